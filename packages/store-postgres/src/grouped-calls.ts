/** The rule by which calls of one kind share statements. */
export interface Grouping<Input, Output> {
  /** Outputs in the order of the inputs. */
  readonly run: (inputs: readonly Input[]) => Promise<readonly Output[]>;
  /** Returns the keys of an input. Inputs with a key in common are never in one group. */
  readonly keysOf?: (input: Input) => readonly string[];
  /** Returns how much of a group an input fills. Default: 1. */
  readonly weightOf?: (input: Input) => number;
  readonly maxWeight: number;
  /** Groups on their way at the same time. */
  readonly maxInFlight: number;
  /** Returns true when the fault may be that of one input: then each of the group runs alone. */
  readonly isOwnFault: (error: unknown) => boolean;
}

interface Waiting<Input, Output> {
  readonly input: Input;
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Calls that share their writes: all waiting calls go together, and none waits for later ones. While the allowed groups
 * are running, the next one gathers.
 */
export class GroupedCalls<Input, Output> {
  readonly #grouping: Grouping<Input, Output>;
  #waiting: Waiting<Input, Output>[] = [];
  readonly #idle: (() => void)[] = [];
  #inFlight = 0;
  #scheduled = false;

  constructor(grouping: Grouping<Input, Output>) {
    this.#grouping = grouping;
  }

  call(input: Input): Promise<Output> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ input, resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves when nothing waits and nothing is on its way. */
  async idle(): Promise<void> {
    if (this.#inFlight + this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  // A turn of the event loop, not a microtask: what the last group's callers do next joins the next group.
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#inFlight < this.#grouping.maxInFlight && this.#waiting.length > 0) void this.#send();
    });
  }

  async #send(): Promise<void> {
    this.#inFlight += 1;
    const group = this.#takeGroup();
    await this.#settle(group);
    this.#inFlight -= 1;
    if (this.#waiting.length > 0) this.#schedule();
    else if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #settle(group: readonly Waiting<Input, Output>[]): Promise<void> {
    try {
      const outputs = await this.#grouping.run(group.map(({ input }) => input));
      for (const [index, output] of outputs.entries()) group[index]?.resolve(output);
    } catch (error) {
      if (group.length === 1 || !this.#grouping.isOwnFault(error)) for (const { reject } of group) reject(error);
      else for (const waiting of group) await this.#settle([waiting]);
    }
  }

  #takeGroup(): readonly Waiting<Input, Output>[] {
    const { keysOf = () => [], weightOf = () => 1, maxWeight } = this.#grouping;
    const group: Waiting<Input, Output>[] = [];
    const left: Waiting<Input, Output>[] = [];
    const keys = new Set<string>();
    let weight = 0;
    for (const waiting of this.#waiting) {
      const own = keysOf(waiting.input);
      weight += weightOf(waiting.input);
      const fits = group.length === 0 || (weight <= maxWeight && own.every((key) => !keys.has(key)));
      if (fits) group.push(waiting);
      else left.push(waiting);
      // Also of one that is left: what comes behind it on the same key must not overtake it.
      for (const key of own) keys.add(key);
    }
    this.#waiting = left;
    return group;
  }
}
