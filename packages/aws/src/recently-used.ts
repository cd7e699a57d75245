/** How a value is found. */
export interface RecentlyUsedInput<Value> {
  /** More are not kept. */
  readonly max: number;
  readonly make: () => Value;
}

/** The value of a key, made where there is none; of too many the one goes that nobody has asked for for longest. */
export function findRecentlyUsed<Value>(
  values: Map<string, Value>,
  key: string,
  { max, make }: RecentlyUsedInput<Value>,
): Value {
  const value = values.get(key) ?? make();
  values.delete(key);
  values.set(key, value);
  const oldest = values.size > max ? values.keys().next().value : undefined;
  if (oldest !== undefined) values.delete(oldest);
  return value;
}
