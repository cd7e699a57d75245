import { median } from "../side-by-side/statistics.ts";
import { callFunction, startFunction } from "./call-function.ts";
import { toBatch, toResult, toStart } from "./chain-machine.ts";
import type { FunctionYard, YardStore } from "./function-yard.ts";

/** What a fresh instance takes; medians, in milliseconds. */
export interface ColdStartFigures {
  readonly store: YardStore;
  readonly starts: number;
  /** Until the bundle is imported: what Lambda counts as initialization, apart from its runtime's own start. */
  readonly importMs: number;
  /** What of it the processor has worked; more where it works on several threads. */
  readonly importCpuMs: number;
  /** Of the first event: the store is open by then or is opened, machines are read, connections are made. */
  readonly firstMs: number;
  /** Of the second. */
  readonly secondMs: number;
}

/** Starts fresh processes, one after the other, on a yard that is there already. */
export async function measureColdStart(
  bundle: string,
  yard: FunctionYard,
  { store, starts }: { readonly store: YardStore; readonly starts: number },
): Promise<ColdStartFigures> {
  const environment = await yard.createEnvironment(store);
  const samples: Omit<ColdStartFigures, "store" | "starts">[] = [];
  for (let start = 0; start < starts; start += 1) {
    const instance = startFunction(bundle, environment);
    try {
      const imported = await instance.call("imported", undefined as never);
      const first = await callFunction(instance, toBatch([toStart(`pr-${start}`)]));
      const second = await callFunction(instance, toBatch([toResult(`pr-${start}`)]));
      samples.push({ ...imported, firstMs: first.wallMs, secondMs: second.wallMs });
    } finally {
      await instance.end();
    }
  }
  const medianOf = (name: keyof (typeof samples)[number]) => median(samples.map((sample) => sample[name]));
  return {
    store,
    starts,
    importMs: medianOf("importMs"),
    importCpuMs: medianOf("importCpuMs"),
    firstMs: medianOf("firstMs"),
    secondMs: medianOf("secondMs"),
  };
}
