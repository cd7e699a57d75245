import type { Clock } from "@stackyard/core";

/** Until when a copy may work. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  end(): void;
}

/** To save what is done. */
const MARGIN_MS = 5_000;

/** A signal that is aborted shortly before an instant, or by the caller. */
export function limitTime(
  clock: Clock,
  { deadlineAt, signal }: { readonly deadlineAt?: number; readonly signal?: AbortSignal },
): TimeLimit {
  const controller = new AbortController();
  const over = new AbortController();
  if (deadlineAt !== undefined) {
    const left = deadlineAt - MARGIN_MS - clock.now();
    if (left <= 0) over.abort();
    clock.sleep(left, controller.signal).then(
      () => (controller.signal.aborted ? undefined : over.abort()),
      () => over.abort(),
    );
  }
  return {
    signal: signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]),
    end: () => controller.abort(),
  };
}
