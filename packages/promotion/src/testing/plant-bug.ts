import type { Executor, ExecutorContext, PutRecordInput, Records } from "@stackyard/core";
import { YARD, type YardService } from "@stackyard/core/engine";

/** Parts of a context that a fault replaces, for one call. */
interface PlantedParts {
  readonly records?: Records;
  readonly yard?: Partial<YardService>;
  /** At the end of a call that has not thrown. */
  readonly end?: () => Promise<void>;
}

/** Returns an executor whose calls see a world with a fault. */
export function plantBug(
  executor: Executor,
  change: (ctx: ExecutorContext, yard: YardService) => PlantedParts,
): Executor {
  const run = async (ctx: ExecutorContext, call: (planted: ExecutorContext) => Promise<unknown> | undefined) => {
    const yard = ctx.service(YARD);
    if (yard === undefined) throw new TypeError("The worker provides no yard.");
    const parts = change(ctx, yard);
    const service = () => ({ ...yard, ...parts.yard });
    const planted = new Proxy(ctx, {
      get: (target, name) => {
        if (name === "service") return service;
        return name === "records" && parts.records !== undefined ? parts.records : Reflect.get(target, name);
      },
    });
    const step = await call(planted);
    await parts.end?.();
    return step;
  };
  return {
    ...executor,
    start: (ctx, config) => run(ctx, (planted) => executor.start(planted, config)) as ReturnType<Executor["start"]>,
    poll: (ctx, config, progress) =>
      run(ctx, (planted) => executor.poll?.(planted, config, progress)) as ReturnType<Executor["start"]>,
  };
}

/** Events go out before their rows are written: a process that dies in between has sent what is not recorded. */
export function sendBeforeRows(executor: Executor): Executor {
  return plantBug(executor, ({ records }, yard) => {
    const late = new Map<string, PutRecordInput>();
    const flush = async () => {
      for (const [key, input] of late) {
        late.delete(key);
        await records.put(input);
      }
    };
    return {
      records: {
        ...records,
        get: (key, now) => records.get(key, now),
        async put(input) {
          late.set(input.key, { ...input, expected: late.get(input.key)?.expected ?? input.expected });
          return { kind: "written", record: { key: input.key, version: 0, value: input.value } };
        },
      },
      yard: {
        async send(events) {
          const sent = await yard.send(events);
          await flush();
          return sent;
        },
      },
      end: flush,
    };
  });
}
