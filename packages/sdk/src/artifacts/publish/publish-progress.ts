/** How far a publication is. */
export interface PublishProgress {
  readonly phase: "checking" | "sending" | "committing";
  readonly files: number;
  readonly filesDone: number;
  /** Of all files; null while a stream is among them whose length nobody knows. */
  readonly bytes: number | null;
  /** Sent, or found standing. */
  readonly bytesDone: number;
  /** Over the last ten seconds; 0 before anything was sent. */
  readonly bytesPerSecond: number;
  /** Null: nobody knows. */
  readonly secondsLeft: number | null;
}

/** Tells it. */
export interface ProgressTeller {
  enter(phase: PublishProgress["phase"]): void;
  sent(bytes: number): void;
  skipped(bytes: number): void;
  fileDone(): void;
}

/** What it needs. */
export interface ProgressTellerInput {
  readonly sizes: readonly (number | undefined)[];
  /** Milliseconds of any origin. */
  readonly now: () => number;
  onProgress(progress: PublishProgress): void;
}

const WINDOW_MS = 10_000;

/** Counts, and tells after each change. */
export function createProgressTeller({ sizes, now, onProgress }: ProgressTellerInput): ProgressTeller {
  const known = sizes.filter((size) => size !== undefined);
  const bytes = known.length === sizes.length ? known.reduce((sum, size) => sum + size, 0) : null;
  const samples: { readonly at: number; readonly sent: number }[] = [];
  let [phase, filesDone, sent, skipped]: [PublishProgress["phase"], number, number, number] = ["checking", 0, 0, 0];

  function tell(): void {
    const at = now();
    samples.push({ at, sent });
    while (samples.length > 2 && (samples[0]?.at ?? at) < at - WINDOW_MS) samples.shift();
    const bytesPerSecond = toRate(samples[0], { at, sent });
    const bytesDone = sent + skipped;
    const left =
      bytes === null || bytesPerSecond === 0 ? null : Math.ceil(Math.max(0, bytes - bytesDone) / bytesPerSecond);
    onProgress({ phase, files: sizes.length, filesDone, bytes, bytesDone, bytesPerSecond, secondsLeft: left });
  }

  return {
    enter(next) {
      phase = next;
      tell();
    },
    sent(count) {
      sent += count;
      tell();
    },
    skipped(count) {
      skipped += count;
      tell();
    },
    fileDone() {
      filesDone += 1;
      tell();
    },
  };
}

interface Sample {
  readonly at: number;
  readonly sent: number;
}

function toRate(first: Sample | undefined, last: Sample): number {
  if (first === undefined || last.at <= first.at) return 0;
  return Math.round(((last.sent - first.sent) * 1_000) / (last.at - first.at));
}
