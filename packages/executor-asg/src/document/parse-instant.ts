const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * Epoch milliseconds of a time as RFC 3339 (section 5.6) writes it, capital letters only; `undefined`: it is none. A leap
 * second is none, as for the predecessor.
 */
export function parseInstant(text: string): number | undefined {
  const found = RFC_3339.exec(text);
  if (!found) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const offset = readOffset(found.slice(8));
  const midnight = new Date(0).setUTCFullYear(year, month - 1, day);
  if (offset === undefined || !isDate(midnight, month, day)) return undefined;
  const milliseconds = Math.floor(Number(`0${found[7] ?? ""}`) * 1000);
  return midnight + ((hour * 60 + minute - offset) * 60 + second) * 1000 + milliseconds;
}

function readOffset([sign, hours = "0", minutes = "0"]: readonly (string | undefined)[]): number | undefined {
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

// The 31st of a shorter month becomes a day of the next one.
function isDate(midnight: number, month: number, day: number): boolean {
  const date = new Date(midnight);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
