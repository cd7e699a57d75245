import { defined, listPages, type PageStart } from "@stackyard/core";
import { defineRecordKind, type RecordsDeps } from "@stackyard/core/services";
import { type Static, Type } from "typebox";

/** A task's question for the last event `ACTIVE` of its stack: executors cannot read the history, services can. */
export const IdleQuestion = Type.Object({
  stack: Type.String(),
  /** Epoch milliseconds: only later events count. */
  since: Type.Number(),
  /** Missing: no server has answered yet. */
  answeredAt: Type.Optional(Type.Number()),
  /** Missing before the first event. */
  activeAt: Type.Optional(Type.Number()),
});
export type IdleQuestion = Static<typeof IdleQuestion>;

/** Questions by attempt. */
export const idleQuestions = defineRecordKind({
  prefix: "previews/idle/",
  value: IdleQuestion,
  holds: "when a preview was used last, as its task has asked",
  kept: "a day after it was asked or answered last",
  damaged: "missing",
});

const PAGE = 100;
const KEEP_MS = 86_400_000;

/** Stores the question of an attempt, or replaces it. */
export async function ask(deps: RecordsDeps, attempt: string, value: IdleQuestion): Promise<void> {
  await idleQuestions.change(deps, attempt, (_, now) => ({ write: { value, expiresAt: now + KEEP_MS } }));
}

interface IdleAnswer extends Required<Pick<IdleQuestion, "since" | "answeredAt">> {
  readonly activeAt: number | undefined;
}

/** Stores what was found at an instant, unless the task has ended or has asked for other events. */
export async function answer(
  deps: RecordsDeps,
  attempt: string,
  { since, answeredAt, activeAt }: IdleAnswer,
): Promise<void> {
  await idleQuestions.change(deps, attempt, (found, now) => {
    if (found?.value.since !== since) return {};
    return { write: { value: { ...found.value, ...defined({ answeredAt, activeAt }) }, expiresAt: now + KEEP_MS } };
  });
}

/** Yields the questions that no server has answered, with the names of their attempts. */
export async function* listOpenQuestions(
  deps: RecordsDeps,
): AsyncGenerator<{ readonly name: string; readonly value: IdleQuestion }, void, undefined> {
  const load = (start: PageStart) => idleQuestions.listNamed(deps, { limit: PAGE, ...start });
  for await (const { items } of listPages(load)) {
    yield* items.filter(({ value }) => value.answeredAt === undefined);
  }
}
