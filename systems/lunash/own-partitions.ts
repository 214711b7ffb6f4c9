import type { Job } from '../../domain/results.ts';
import { StepLog } from '../../stores/reports/step-log.ts';
import type { Transcripts } from '../../stores/reports/transcripts.ts';
import { keep, read } from '../../stores/secrets/kept.ts';
import type { SecretStore } from '../../stores/secrets/store.ts';
import type { PartitionRow } from './parse.ts';

/** Beside the secrets, as the host key is: a later run must know it, too. */
const nameOf = (target: string, serial: string): string => `${target}-partition-${serial}`;

/**
 * Which partitions were created here. A partition is known by its serial, whatever its size became: an HSM may round what was asked for, and name and size
 * alone could be anybody’s.
 */
export class OwnPartitions {
  readonly #secrets: SecretStore;
  readonly #target: string;
  readonly #log: StepLog;

  constructor(secrets: SecretStore, transcripts: Transcripts, job: Job) {
    this.#secrets = secrets;
    this.#target = job.target;
    this.#log = new StepLog(transcripts, job, 'partitions-created');
  }

  async has(serial: string): Promise<boolean> {
    return (await read(this.#secrets, nameOf(this.#target, serial))) !== undefined;
  }

  keep({ serial, name, totalBytes }: PartitionRow): Promise<void> {
    return keep(this.#secrets, nameOf(this.#target, serial), `partition ${name}, ${totalBytes} bytes`);
  }

  /** One is about to be created of whose name none was there: should nobody hear what came of it, the next one of that name is it. */
  begins(name: string): Promise<void> {
    return this.#log.write(begun(name));
  }

  async began(name: string): Promise<boolean> {
    return (await this.#log.lines()).some(({ words }) => words === begun(name));
  }
}

const begun = (name: string): string => `creating ${name}: none of that name is there`;
