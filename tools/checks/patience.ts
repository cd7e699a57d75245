type AnyFunction = (...args: never[]) => unknown;

/** Makes the time limits that single tests name longer by a factor, as the defaults of vitest.config.ts are. */
interface Patience {
  /** Returns the options of a test or a wait, or the limit alone, with a longer limit. Other values stay. */
  stretch<Given>(given: Given): Given;
  /** Returns a function that defines tests or hooks, and all that it returns or has, such as `it.each(…)`, with longer limits. */
  define<Define extends AnyFunction>(define: Define): Define;
}

/** Creates the changes of limits by a factor. */
export function createPatience(factor: number): Patience {
  const within = (ms: number) => (Number.isFinite(ms) ? Math.ceil(ms * factor) : ms);

  function toStretched(given: unknown): unknown {
    if (typeof given === "number") return within(given);
    if (typeof given !== "object" || given === null || !("timeout" in given)) return given;
    return typeof given.timeout === "number" ? { ...given, timeout: within(given.timeout) } : given;
  }

  /** Tables of `each` and conditions are no definitions. */
  function toArguments(args: readonly unknown[]): readonly unknown[] {
    const [first, ...rest] = args;
    const isDefinition = typeof first === "string" || typeof first === "function";
    return isDefinition ? [first, ...rest.map(toStretched)] : args;
  }

  function wrap(value: unknown): unknown {
    if (typeof value !== "function") return value;
    return new Proxy(value, {
      apply: (target, self, args) => wrap(Reflect.apply(target, self, toArguments(args))),
      get: (target, key) => (key === "prototype" ? target.prototype : wrap(Reflect.get(target, key))),
    });
  }

  // Each value keeps its type: only numbers in it change.
  return {
    stretch: (given) => toStretched(given) as typeof given,
    define: (define) => wrap(define) as typeof define,
  };
}
