import { Readable } from "node:stream";

/** An output of a program that another process reads for this one. */
export interface RemoteOutput {
  readonly stream: Readable;
  push(piece: Uint8Array): void;
  /** Nothing more follows. Further calls have no effect. */
  end(): void;
}

/** The messages to that process: that pieces were taken, so that it may send as many more; and that no more is wanted. */
interface RemoteOutputDeps {
  more(count: number): void;
  drop(): void;
}

const WAITING_BYTES = 64 * 1024;

/** Creates the stream of an output. It requests more pieces only when it is read. */
export function createRemoteOutput({ more, drop }: RemoteOutputDeps): RemoteOutput {
  let taken = 0;
  let hasEnded = false;
  const stream = new Readable({
    highWaterMark: WAITING_BYTES,
    read() {
      if (taken === 0) return;
      more(taken);
      taken = 0;
    },
    destroy(error, done) {
      if (!hasEnded) drop();
      done(error);
    },
  });
  return {
    stream,
    push(piece) {
      if (stream.destroyed) return;
      taken += 1;
      stream.push(piece);
    },
    end() {
      if (hasEnded) return;
      hasEnded = true;
      if (!stream.destroyed) stream.push(null);
    },
  };
}
