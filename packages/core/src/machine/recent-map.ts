/**
 * A cache of a bounded number of entries. Setting an entry makes it the most recent one; what was set longest ago is dropped
 * for it. Reading by `get` changes nothing: use `findOr` where what is used shall stay.
 */
export class RecentMap<Key, Value> extends Map<Key, Value> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  override set(key: Key, value: Value): this {
    super.delete(key);
    super.set(key, value);
    if (this.size > this.#limit) {
      const { value: oldest, done } = this.keys().next();
      if (!done) super.delete(oldest);
    }
    return this;
  }

  /** Returns the value of a key, made where it is missing, and makes it the most recent one. */
  findOr(key: Key, make: () => Value): Value {
    const value = this.get(key) ?? make();
    this.set(key, value);
    return value;
  }
}
