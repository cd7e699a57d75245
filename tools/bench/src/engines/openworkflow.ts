import { OpenWorkflow } from "openworkflow";
import { BackendPostgres } from "openworkflow/postgres";
import type { Connection } from "../side-by-side/contender.ts";
import { type Form, type Run, startAll, toRuns, toSingleRun } from "./engine.ts";

const ADDED_AT_A_TIME = 10;

export const OPENWORKFLOW_DONE_SQL = `
select not exists (
  select from openworkflow.workflow_runs where status in ('pending', 'running', 'sleeping')
) as done`;

/** A workflow with a step for each state. https://openworkflow.dev/docs */
export function connectOpenWorkflow(form: Form, atATime: number): (url: string) => Connection {
  return (url) => {
    let onStartNow: (index: number) => void = () => undefined;
    const open = async () => {
      const backend = await BackendPostgres.connect(url);
      const client = new OpenWorkflow({ backend });
      const workflow = client.defineWorkflow({ name: "stack" }, async ({ input, step }: StackInput) => {
        for (let each = 0; each < input.length; each += 1) {
          await step.run({ name: `work-${each}` }, async () => {
            onStartNow(input.index + each);
            return { state: `S${each + 1}` };
          });
        }
        return { state: "REST" };
      });
      return { backend, client, workflow };
    };
    let opening: ReturnType<typeof open> | undefined;
    const load = () => {
      opening ??= open();
      return opening;
    };
    const start = async (run: Run) => (await load()).workflow.run(run);
    return {
      async prepare() {
        await load();
      },
      addMany: (jobs) => startAll(toRuns(form, jobs), ADDED_AT_A_TIME, start),
      async addOne(index) {
        await start(toSingleRun(index));
      },
      async work(onStart) {
        onStartNow = onStart;
        const worker = (await load()).client.newWorker({ concurrency: atATime });
        await worker.start();
        return () => worker.stop();
      },
      async close() {
        await (await opening)?.backend.stop();
      },
    };
  };
}

interface StackInput {
  readonly input: Run;
  readonly step: { run(config: { readonly name: string }, work: () => Promise<object>): Promise<unknown> };
}
