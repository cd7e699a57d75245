/** A stream of the process. */
interface Sink {
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown;
  write(text: string, done: (error?: Error | null) => void): unknown;
}

/** Counts writes that a stream has lost, such as lines of a log on a full disk. */
export interface LostOutput {
  /** Returns how many writes were lost. */
  count(): number;
}

interface LostOutputOptions {
  /**
   * Called when the reader has closed the pipe. A command that prints a result ends then; a server continues, and what it
   * would print is lost.
   */
  readonly onClosedPipe: () => void;
  /** The wait, in milliseconds, before it tries to write that lines were lost. Default: 10 seconds. */
  readonly retryMs?: number;
}

const RETRY_MS = 10_000;

/**
 * Keeps errors of a stream from ending the process, because work matters more than its log. Once the stream can be
 * written to again, a line says how many writes were lost.
 */
export function countLostOutput(stream: Sink, { onClosedPipe, retryMs = RETRY_MS }: LostOutputOptions): LostOutput {
  let lost = 0;
  let reported = 0;
  let isWaiting = false;
  /** The next error is that of a report. */
  let isOwn = false;

  function report(): void {
    isWaiting = false;
    const missing = lost - reported;
    const before = lost;
    stream.write(`${new Date().toISOString()} warn Output was lost: ${missing} writes failed.\n`, (error) => {
      // The stream emits the error of a failed report too, which schedules the next one.
      if (error) isOwn = true;
      else reported = before;
    });
  }

  stream.on("error", (error) => {
    if (error.code === "EPIPE") onClosedPipe();
    if (!isOwn) lost += 1;
    isOwn = false;
    if (isWaiting) return;
    isWaiting = true;
    setTimeout(report, retryMs).unref();
  });
  return { count: () => lost };
}
