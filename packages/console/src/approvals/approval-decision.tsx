import { defined, nameApart } from "@stackyard/core";
import type { Approval, StackDetails } from "@stackyard/sdk";
import { useEffect, useRef, useState } from "react";
import { useMe, useRefusal } from "../api/access.ts";
import { yard } from "../api/client.ts";
import { newEventId } from "../api/event-id.ts";
import { useOperation } from "../app/use-operation.tsx";
import { Button } from "../design/button.tsx";
import { ActionDialog } from "../design/dialog.tsx";
import { Mark } from "../design/mark.tsx";
import { Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { PlanName } from "../design/release/plan-name.tsx";
import { Ago, Day, Text } from "../design/text.tsx";
import { Effect } from "./approval-effect.tsx";

interface DecisionProps {
  readonly approval: Approval;
  readonly details: StackDetails;
}

/** Renders who has approved and who may, the person's decision, and what follows. On a phone the buttons stay below. */
export function Decision({ approval, details }: DecisionProps) {
  const { given, count, expiresAt } = approval;
  return (
    <Panel
      title={`Given: ${given.length} of ${count}`}
      note={
        <>
          ends <Ago at={expiresAt} />
        </>
      }
    >
      <Given approval={approval} />
      <Actions approval={approval} />
      <Effect approval={approval} details={details} />
    </Panel>
  );
}

/** Renders who requested the approval, and who may give it. */
export function Asked({ approval }: { approval: Approval }) {
  const { askedBy, askedAt, from, count, own, of } = approval;
  return (
    <Panel title="Asked">
      <Pairs
        className="pairs panel-body"
        of={{
          By: (
            <>
              <Text>{askedBy === undefined ? "unknown" : nameApart(askedBy, peopleOf(approval))}</Text>
              {!own && ", who may not approve"}
            </>
          ),
          At: <Ago at={askedAt} />,
          "May decide": (
            <>
              <Text>{from.join(" or ")}</Text>, {count} needed
            </>
          ),
          "What you approve": of !== undefined && <PlanName of={of} />,
        }}
      />
    </Panel>
  );
}

/** Returns everybody whom the page names. */
function peopleOf({ askedBy, given }: Approval): readonly Approval["given"][number]["by"][] {
  return [...(askedBy === undefined ? [] : [askedBy]), ...given.map(({ by }) => by)];
}

function Given({ approval }: { approval: Approval }) {
  const { given, from, need } = approval;
  return (
    <div className="panel-body stack-v">
      <p>
        <Mark status="approval" word={`Waits for ${need} more`} /> from <Text>{from.join(" or ")}</Text>.
      </p>
      {given.map(({ by, at, comment }) => (
        <p key={`${by.kind} ${by.id}`}>
          <Mark status="succeeded" word="" /> <Text>{nameApart(by, peopleOf(approval))}</Text> at <Day at={at} />
          {comment !== undefined && (
            <>
              : <Text>{comment}</Text>
            </>
          )}
        </p>
      ))}
    </div>
  );
}

type Verb = "approve" | "reject" | "withdraw";

function Actions({ approval }: { approval: Approval }) {
  const [open, setOpen] = useState<{ readonly verb: Verb; readonly id: string }>();
  const { data: me } = useMe();
  const { machine, stackId } = approval;
  const refusal = useRefusal("approve", { machine, stackId });
  const given = approval.given.some(({ by }) => by.id === me?.id && by.kind === me?.kind);
  const reading = useReading(approval.id);
  const show = (verb: Verb) => setOpen({ verb, id: newEventId() });
  return (
    <div className="row approval-actions">
      <Button
        look="primary"
        refusal={refusal ?? reading ?? (given ? "You have approved it" : undefined)}
        onPress={() => show("approve")}
      >
        Approve…
      </Button>
      <Button look="danger" refusal={refusal ?? reading} onPress={() => show("reject")}>
        Reject…
      </Button>
      {given && (
        <Button refusal={refusal} onPress={() => show("withdraw")}>
          Withdraw
        </Button>
      )}
      {open !== undefined && (
        <AnswerDialog approval={approval} verb={open.verb} actionId={open.id} onClose={() => setOpen(undefined)} />
      )}
    </div>
  );
}

const READ_MS = 1_500;

/** Returns why the buttons are disabled right after a change: a click meant for the previous content must not count. */
function useReading(approvalId: string): string | undefined {
  const first = useRef(approvalId);
  const [readId, setReadId] = useState(approvalId);
  useEffect(() => {
    if (approvalId === first.current) return;
    const timer = setTimeout(() => setReadId(approvalId), READ_MS);
    return () => clearTimeout(timer);
  }, [approvalId]);
  return readId === approvalId ? undefined : "It has just changed";
}

const WORDS: Readonly<Record<Verb, readonly [string, string]>> = {
  approve: ["Approve", "Your approval counts for what is shown now. It is recorded with your name."],
  reject: ["Reject", "The task fails with APPROVAL_REJECTED. It is recorded with your name."],
  withdraw: ["Withdraw", "Your approval no longer counts."],
};

interface AnswerDialogProps {
  readonly approval: Approval;
  readonly verb: Verb;
  readonly actionId: string;
  readonly onClose: () => void;
}

function AnswerDialog({ approval, verb, actionId, onClose }: AnswerDialogProps) {
  const operate = useOperation(approval.stackId);
  const [opened] = useState(approval);
  const [word, text] = WORDS[verb];
  const isChanged = opened.id !== approval.id;
  return (
    <ActionDialog
      title={`${word} ${approval.task} of ${approval.stackId}`}
      verb={word}
      danger={verb === "reject"}
      reason={approval.comment === "required" && verb !== "withdraw" ? "required" : "optional"}
      refusal={isChanged ? "The metadata has just changed. Close this and read it again" : undefined}
      onClose={onClose}
      act={async (comment) => {
        const options = defined({ id: actionId, comment });
        await operate(word, async () => {
          const answer = await (verb === "approve"
            ? yard.approvals.approve(opened.id, defined({ ...options, of: opened.of }))
            : yard.approvals[verb](opened.id, options));
          if (answer.outcome === "refused") throw new Error(answer.reason ?? answer.code ?? "Refused");
          return answer;
        });
      }}
    >
      <p>{text}</p>
      {approval.of !== undefined && (
        <p className="mono">
          <Text>{approval.of}</Text>
        </p>
      )}
    </ActionDialog>
  );
}
