/** `Value` without the keys that are undefined; keys that may be undefined become optional. */
export type Compact<Value> = {
  [Key in keyof Value as undefined extends Value[Key] ? never : Key]: Value[Key];
} & {
  [Key in keyof Value as undefined extends Value[Key] ? Key : never]?: Exclude<Value[Key], undefined>;
};

/** Returns an object without the keys whose value is undefined, for types with optional properties. */
export function compact<Value extends object>(value: Value): Compact<Value> {
  // The one place that says so to the compiler: the entries are those of the value.
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Compact<Value>;
}
