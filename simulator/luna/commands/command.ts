import type { Entry } from '../../request-log.ts';
import type { OptionSpec, Options } from '../parse.ts';
import type { Session } from '../session.ts';

export interface Command {
  /** As LunaSH writes it; what is typed may be shortened and in any case. */
  words: [string, ...string[]];
  options: OptionSpec;
  /** Values without a name, in front of the options. */
  positional?: number;
  run(session: Session, options: Options, entry: Entry, values: string[]): Promise<void>;
}
