/** Formats a number of stacks, such as `1 stack` or `1,024 stacks`. */
export function formatStacks(count: number): string {
  return count === 1 ? "1 stack" : `${count.toLocaleString("en")} stacks`;
}
