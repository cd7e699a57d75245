import { nextOccurrence } from "@stackyard/core/services";

/** Hours of the day in which notifications are delayed. `from` later than `to`: over midnight. */
export interface QuietHours {
  /** `HH:MM`. */
  readonly from: string;
  readonly to: string;
  readonly zone: string;
}

/** Returns the end of the quiet hours around an instant; undefined outside of them. */
export function findQuietEnd({ from, to, zone }: QuietHours, at: number): number | undefined {
  const start = nextOccurrence({ cron: toCron(from), zone }, at);
  const end = nextOccurrence({ cron: toCron(to), zone }, at);
  if (start === undefined || end === undefined) return undefined;
  // The end comes next: the last start was before.
  return end < start ? end : undefined;
}

function toCron(time: string): string {
  const [hour, minute] = time.split(":");
  return `${Number(minute)} ${Number(hour)} * * *`;
}
