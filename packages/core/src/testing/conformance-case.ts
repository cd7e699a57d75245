/** One promise of a port as data, so that any runner and the simulator can check it. */
export interface ConformanceCase<Port> {
  /** A sentence about behaviour. */
  readonly name: string;
  /** Throws when the promise does not hold. Each case makes a fresh port and ends it. */
  run(create: () => Promise<Port>): Promise<void>;
}
