/** Without what is undefined: the constructs take no property that is there and is nothing. */
export function present<Props extends object>(props: Props): { [Key in keyof Props]?: Exclude<Props[Key], undefined> } {
  const entries = Object.entries(props).filter(([, value]) => value !== undefined);
  // Only keys of Props are left, and none of them is undefined.
  return Object.fromEntries(entries) as { [Key in keyof Props]?: Exclude<Props[Key], undefined> };
}
