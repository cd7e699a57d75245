import { nameSender } from "@stackyard/core";
import type { HistoryEntry, StackDetails } from "@stackyard/sdk";
import { useMe } from "../api/access.ts";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { itemsOf, useLoad } from "../api/use-load.ts";
import { To } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, MissingNotice } from "../design/page.tsx";
import { StateName } from "../design/state-name.tsx";
import { Ago, Text } from "../design/text.tsx";

/** Lines of the history in which the answer is looked for. */
const LINES = 100;

interface ClosedProps {
  readonly details: StackDetails;
  readonly task: string;
}

/** Renders how an approval that is no longer open was answered last, and where its stack is now. */
export function ClosedApproval({ details: { id, state, version }, task }: ClosedProps) {
  const answers = useLoad(keys.stack(id, "answers", { limit: LINES, version }), (request) =>
    yard.stacks.history(id, { limit: LINES, ...request }),
  );
  const { data: me } = useMe();
  const answer = itemsOf(answers).find((entry) => isAnswer(entry) && entry.task === task);
  // Another person with the reader's own name is distinguished too.
  const people = [...itemsOf(answers), { actor: me?.name, actorId: me?.id }];
  return (
    <>
      <Empty>
        {answer === undefined ? (
          "This approval is closed: it was decided, it expired, or the stack left the state."
        ) : (
          <>
            This approval is closed. <Answer of={answer} by={nameSender(answer, people)} />
          </>
        )}{" "}
        The stack is now in <StateName state={state} />.{" "}
        <To path="/stack" search={{ id }}>
          Open the stack
        </To>
      </Empty>
      <MissingNotice query={answers} />
    </>
  );
}

const WORDS: Readonly<Record<string, readonly ["succeeded" | "failed", string]>> = {
  APPROVE_TASK: ["succeeded", "Approved"],
  REJECT_TASK: ["failed", "Rejected"],
};

function isAnswer({ event, outcome }: HistoryEntry): boolean {
  return outcome === "applied" && event !== undefined && event in WORDS;
}

function Answer({ of: { event = "", at, reason }, by = "unknown" }: { of: HistoryEntry; by: string | undefined }) {
  const [status, word] = WORDS[event] ?? ["succeeded", event];
  return (
    <>
      <Mark status={status} word={word} /> by <Text>{by}</Text> <Ago at={at} />
      {reason !== undefined && (
        <>
          : <Text>{reason}</Text>
        </>
      )}
      .
    </>
  );
}
