import { tmpdir } from "node:os";
import type { Executor } from "@stackyard/core";
import type { ProgramEnd } from "@stackyard/core/programs";
import { createFakeClock, type Decision, type Story, type TaskBench, taskStory } from "@stackyard/core/testing";
import { createCommandExecutor } from "../command.ts";
import { ALLOW_ALL, type CommandConfig } from "../definition.ts";

const RUNS_MS = 60_000;

/** What a simulated program does. */
interface Program {
  readonly name: string;
  readonly end: ProgramEnd;
  readonly config?: Partial<CommandConfig>;
  /** True if the work succeeds in a process that the program leaves behind, unless its group is ended. */
  readonly isDetached?: boolean;
}

const exit = (code: number | null, signal: string | null = null): ProgramEnd => ({
  kind: "ended",
  code,
  signal,
  result: "",
});

const REPEATED: readonly Decision[] = [
  {
    finding: /^frozen (2 min|20 h) at .*: once: the program began \d times$/,
    reason: "Its config says that it may run again when its worker was lost.",
  },
];

/** A program that works for a minute on a worker whose clock may stand still. */
function commandStory({ name, end, config, isDetached = false }: Program): Story {
  const isRepeatable = config?.repeatable === true;
  return taskStory({
    name,
    unknown: ["COMMAND_UNKNOWN"],
    ...(isRepeatable && { decisions: REPEATED }),
    create: async () => {
      const clock = createFakeClock();
      const done = { begun: 0, succeeded: 0, left: 0 };
      const runProgram = async ({ signal }: { readonly signal: AbortSignal }): Promise<ProgramEnd> => {
        done.begun += 1;
        if (isDetached) done.left += 1;
        await clock.sleep(RUNS_MS, signal);
        // Its group ends with it.
        done.left = 0;
        if (signal.aborted) return { kind: "cancelled" };
        if (end.kind === "ended" && end.code === 0) done.succeeded += 1;
        return end;
      };
      const deps = { projectDir: tmpdir(), environment: {}, runProgram };
      const bench: TaskBench = {
        clock,
        executor: withoutTarget(createCommandExecutor(ALLOW_ALL, deps)),
        config: { run: "work", shell: true, ...config },
        judge: async () => ({
          truth: done.succeeded > 0 ? "succeeded" : "failed",
          begun: { "the program": done.begun },
          ended: [],
          left: done.left > 0 ? ["a process of the program"] : [],
          foreign: [],
          views: {},
        }),
      };
      return bench;
    },
  });
}

/** The task of a story has a target, and the story no credentials. */
function withoutTarget(executor: Executor): Executor {
  return { ...executor, start: ({ target: _, ...ctx }, config) => executor.start(ctx, config) };
}

const isOnce = commandStory({ name: "command-exit-0", end: exit(0) });
const isRepeated = commandStory({ name: "command-repeatable", end: exit(0), config: { repeatable: true } });

/** The stories of programs. */
export const commandStories: readonly Story[] = [
  {
    ...isOnce,
    planted: [
      ...(isOnce.planted ?? []),
      {
        bug: "what was begun counts for nothing",
        run: { at: "look.worker#3", weather: "frozen 20 h" },
        invariant: "once",
        play: isRepeated.play,
      },
    ],
  },
  isRepeated,
  commandStory({ name: "command-fails", end: exit(1) }),
  commandStory({ name: "command-killed", end: exit(null, "SIGKILL") }),
  commandStory({ name: "command-detached", end: exit(0), isDetached: true }),
];
