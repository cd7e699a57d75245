import type { Connection } from "../side-by-side/contender.ts";
import type { Engine, EngineServer, Form, Width } from "./engine.ts";

/** An engine in one setting and form. */
interface EngineSetting {
  readonly family: string;
  readonly settings: string;
  readonly nodeFlags?: readonly string[];
  /** Jobs in one drain: chain, once. */
  readonly jobs: Readonly<Record<Form, number>>;
  readonly doneSql: string;
  readonly connect: (form: Form) => (url: string) => Connection;
  readonly startServer?: () => Promise<EngineServer>;
}

type LoadSetting = (width: Width) => Promise<EngineSetting>;

const FAMILIES: Readonly<Record<string, LoadSetting>> = {
  stackyard: async (width) => {
    const { connectYard, NODE_FLAGS, stackyard, toSingles } = await import("../side-by-side/stackyard.ts");
    const limits = width === "10" ? { eventBatch: 10, concurrency: 10 } : { eventBatch: 256, concurrency: 200 };
    return {
      family: "Stackyard",
      settings: `concurrency ${limits.concurrency}, eventBatch ${limits.eventBatch}; node ${NODE_FLAGS.join(" ")}`,
      nodeFlags: NODE_FLAGS,
      jobs: width === "10" ? { chain: 20_000, once: 6_000 } : { chain: 60_000, once: 12_000 },
      doneSql: stackyard.doneSql,
      connect: (form) => (url) => connectYard({ url }, limits, form === "chain" ? undefined : toSingles),
    };
  },
  restate: async (width) => {
    const { connectRestate } = await import("./restate.ts");
    const { startRestate } = await import("./restate-server.ts");
    const atATime = width === "10" ? 10 : 1_000;
    return {
      family: "Restate 1.7.12",
      settings: `a virtual object, ctx.run for each task; concurrent_invocations_limit ${atATime}`,
      jobs: width === "10" ? { chain: 20_000, once: 6_000 } : { chain: 40_000, once: 10_000 },
      doneSql: "",
      connect: connectRestate,
      startServer: () => startRestate(atATime),
    };
  },
  absurd: async (width) => {
    const { ABSURD_DONE_SQL, connectAbsurd } = await import("./absurd.ts");
    const atATime = width === "10" ? 10 : 100;
    return {
      family: "Absurd 0.4.0",
      settings: `ctx.step for each task; concurrency ${atATime}, pollInterval 10 ms`,
      jobs: { chain: 8_000, once: 2_000 },
      doneSql: ABSURD_DONE_SQL,
      connect: (form) => connectAbsurd(form, atATime),
    };
  },
  openworkflow: async (width) => {
    const { connectOpenWorkflow, OPENWORKFLOW_DONE_SQL } = await import("./openworkflow.ts");
    const atATime = width === "10" ? 10 : 100;
    return {
      family: "OpenWorkflow 0.10.1",
      settings: `step.run for each task; concurrency ${atATime}`,
      jobs: { chain: 5_000, once: 1_000 },
      doneSql: OPENWORKFLOW_DONE_SQL,
      connect: (form) => connectOpenWorkflow(form, atATime),
    };
  },
  dbos: async (width) => {
    const { connectDbos } = await import("./dbos-steps.ts");
    const { dbosQueue } = await import("../side-by-side/dbos.ts");
    return {
      family: "DBOS Transact 5.3.0",
      settings: `a queue, runStep for each task; ${width === "10" ? "workerConcurrency 10" : "no limit"}, minPollingIntervalMs 10`,
      jobs: { chain: 5_000, once: 1_500 },
      doneSql: dbosQueue.doneSql,
      connect: (form) => connectDbos(form, width === "10" ? 10 : undefined),
    };
  },
};

const FORMS: readonly Form[] = ["chain", "once"];
const WIDTHS: readonly Width[] = ["10", "max"];

const SPLIT = /^(?<name>[a-z]+)-(?<form>chain|once)-(?<width>10|max)$/;

/** In the order in which they are measured and shown. */
export const ENGINE_IDS: readonly string[] = FORMS.flatMap((form) =>
  WIDTHS.flatMap((width) => Object.keys(FAMILIES).map((name) => `${name}-${form}-${width}`)),
);

/** Imports one engine and nothing of the others, whose code would count as its memory. */
export async function loadEngine(id: string): Promise<Engine> {
  const { name = "", form, width } = SPLIT.exec(id)?.groups ?? {};
  const load = FAMILIES[name];
  if (load === undefined) throw new Error(`Unknown engine "${id}".`);
  const [ofForm, ofWidth] = [form === "once" ? "once" : "chain", width === "max" ? "max" : "10"] as const;
  const { family, jobs, connect, ...rest } = await load(ofWidth);
  return {
    ...rest,
    id,
    family,
    name: `${family}, ${ofForm}, ${ofWidth}`,
    form: ofForm,
    width: ofWidth,
    jobs: jobs[ofForm],
    inProcess: false,
    connect: connect(ofForm),
  };
}
