import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { transient } from '../../domain/failure.ts';
import { currentFence, type Fence, NoPermit, partOf, type Sending, type Wire } from '../fence.ts';

const backlogPollMs = 5;
const carriers = new WeakMap<Duplex, Way>();

/**
 * The whole way of one SSH connection to the other side: its own socket, and where that is a channel through another host, the way to that host. It belongs to
 * the attempt that opened it.
 */
export class Way implements Wire {
  /** Why nothing may be sent on it any more. */
  refusal: NoPermit | undefined;
  readonly #socket: Duplex;
  readonly #fence: Fence;
  readonly #carrier: Way | undefined;
  readonly #channels = new Set<Duplex>();

  constructor(socket: Duplex, fence = currentFence()) {
    this.#socket = socket;
    this.#fence = fence;
    this.#carrier = carriers.get(socket);
  }

  /** A channel that leads on from the other side: another connection may be made over it. */
  carries(channel: Duplex): void {
    carriers.set(channel, this);
  }

  /** A channel on which lines are typed: what the other side does not take yet is a backlog, too. */
  includes(channel: Duplex): void {
    this.#channels.add(channel);
    channel.once('close', () => this.#channels.delete(channel));
  }

  async permit(sending?: Sending): Promise<void> {
    let asked = sending;
    try {
      do {
        while (this.#hasBacklog()) await pause(backlogPollMs);
        if (this.#socket.destroyed) throw closed();
        await this.#fence.permit(asked);
        // Nothing was written under it yet: a further permit is for the same act.
        asked = partOf(sending);
      } while (this.#hasBacklog());
    } catch (error) {
      if (error instanceof NoPermit) this.refusal ??= error;
      this.reset();
      throw error;
    }
  }

  /** Ends it at once, from here: after a plain end the kernel still delivers what it holds for a slow hop. */
  reset(): void {
    if (this.#socket instanceof Socket) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    this.#carrier?.reset();
  }

  #hasBacklog(): boolean {
    const waits = (stream: Duplex) => !stream.destroyed && stream.writableLength > 0;
    const carrier = this.#carrier;
    return waits(this.#socket) || [...this.#channels].some(waits) || (carrier ? carrier.#hasBacklog() : false);
  }
}

const closed = () =>
  transient({ code: 'SSH_CONNECTION_FAILED', tried: 'sending over SSH', summary: 'the connection is closed', remedy: 'It is tried again by itself.' });
