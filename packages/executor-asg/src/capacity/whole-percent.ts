/**
 * A share of `count`, at whole percent, cut off twice: `0.125` more is 112 %, and 112 % of 9 is 10. The percent is that
 * of the decimal that was written: binary floating point would make 112 % of `1.13`, so a billionth is added before the
 * fraction is cut off.
 */
export function wholePercent(count: number, share: number): number {
  return Math.trunc((count * Math.floor(share * 100 + 1e-9)) / 100);
}
