import { defined, listPages, type PageStart, type ServiceDeps, type StoredRecord } from "@stackyard/core";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";

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

/** The storage of questions. */
export type QuestionStore = Pick<ServiceDeps, "records" | "clock">;

/** A stored question. */
export type StoredQuestion = Omit<StoredRecord, "value"> & { readonly value: IdleQuestion };

const PREFIX = "previews/idle/";
const PAGE = 100;
/** The question of an attempt that is gone remains that long. */
const KEEP_MS = 86_400_000;

/** Returns the question of an attempt. */
export async function findQuestion(
  { records, clock }: QuestionStore,
  attempt: string,
): Promise<StoredQuestion | undefined> {
  const found = await records.get(`${PREFIX}${attempt}`, clock.now());
  return found && isQuestion(found) ? found : undefined;
}

/** Stores a question, or replaces it. A concurrent question wins. */
export async function ask(
  { records, clock }: QuestionStore,
  attempt: string,
  { found, value }: { readonly found: StoredQuestion | undefined; readonly value: IdleQuestion },
): Promise<void> {
  const now = clock.now();
  const expected = found?.version ?? "absent";
  await records.put({ key: `${PREFIX}${attempt}`, value, expected, expiresAt: now + KEEP_MS, now });
}

/** Stores the answer, unless the task has ended or has asked anew. */
export async function answer(
  { records, clock }: QuestionStore,
  { key, version, value }: StoredQuestion,
  activeAt: number | undefined,
): Promise<void> {
  const now = clock.now();
  const answered = { ...value, answeredAt: now, ...defined({ activeAt }) };
  await records.put({ key, value: answered, expected: version, expiresAt: now + KEEP_MS, now });
}

/** Yields the questions that no server has answered. */
export async function* listOpenQuestions({ records, clock }: QuestionStore): AsyncGenerator<StoredQuestion> {
  const load = (start: PageStart) => records.list(PREFIX, { limit: PAGE, now: clock.now(), ...start });
  for await (const { items } of listPages(load)) {
    yield* items.filter(isQuestion).filter(({ value }) => value.answeredAt === undefined);
  }
}

function isQuestion(found: StoredRecord): found is StoredQuestion {
  return Check(IdleQuestion, found.value);
}
