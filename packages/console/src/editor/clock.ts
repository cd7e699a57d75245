const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

/** Returns a time since the start of a simulation: `09:05`, from an hour on `1:09:05`, from a day on `2 d 03:00`. */
export function toClock(ms: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  if (ms >= DAY) return `${Math.floor(ms / DAY)} d ${two((ms % DAY) / HOUR)}:${two((ms % HOUR) / MINUTE)}`;
  const rest = `${two((ms % HOUR) / MINUTE)}:${two((ms % MINUTE) / SECOND)}`;
  return ms >= HOUR ? `${Math.floor(ms / HOUR)}:${rest}` : rest;
}
