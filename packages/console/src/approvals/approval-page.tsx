import { defined } from "@stackyard/core";
import type { Approval, StackDetails } from "@stackyard/sdk";
import { useEffect, useRef, useState } from "react";
import { useMe, useRefusal } from "../api/access.ts";
import { yard } from "../api/client.ts";
import { newEventId } from "../api/event-id.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { Beside } from "../design/beside.tsx";
import { Button } from "../design/button.tsx";
import { ActionDialog } from "../design/dialog.tsx";
import { To, useSearch } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, Loaded, Page, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { Ago, Instant, MaybeLink, Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { ApprovalList } from "./approval-list.tsx";

/** Renders one approval: its subject, what follows, and who has approved it. */
export function ApprovalPage() {
  const { stack: stackId = "", task = "" } = useSearch();
  return (
    <Beside label="Other approvals" list={<ApprovalList stackId={stackId} task={task} />}>
      <OneApproval key={JSON.stringify([stackId, task])} stackId={stackId} task={task} />
    </Beside>
  );
}

function OneApproval({ stackId, task }: { stackId: string; task: string }) {
  const stack = useLoad(keys.stack(stackId), (request) => yard.stacks.get(stackId, request), {
    enabled: stackId !== "",
  });
  return (
    <Page
      title={`Approval ${task} of ${stackId}`}
      heading={
        <>
          Approval <Text>{task}</Text> of <Text>{stackId}</Text>
        </>
      }
    >
      {stackId === "" ? (
        <Empty command="stackyard approvals ls">The address names no approval. Open one from the list.</Empty>
      ) : (
        <Loaded query={stack} height={320}>
          {(details) => <ApprovalOf details={details} task={task} />}
        </Loaded>
      )}
    </Page>
  );
}

function ApprovalOf({ details, task }: { details: StackDetails; task: string }) {
  const approval = details.approvals?.find((open) => open.task === task);
  if (approval === undefined) {
    return (
      <Empty>
        This approval is closed: it was decided, it expired, or the stack left the state.{" "}
        <To path="/stack" search={{ id: details.id }}>
          Open the stack
        </To>
      </Empty>
    );
  }
  return (
    <>
      <Changed approval={approval} />
      <Actions approval={approval} />
      <div className="columns">
        <Panel title="What is approved">
          <What approval={approval} details={details} />
        </Panel>
        <div className="stack-v">
          <Panel title={`Given: ${approval.given.length} of ${approval.count}`}>
            <Given approval={approval} />
          </Panel>
          <Effect approval={approval} details={details} />
        </div>
      </div>
    </>
  );
}

/** Renders a warning when a changed metadata value has created a new approval: the one that was read is obsolete. */
function Changed({ approval: { id } }: { approval: Approval }) {
  const first = useRef(id);
  const [acknowledged, setAcknowledged] = useState(id);
  if (id === first.current || id === acknowledged) return null;
  return (
    <div className="notice warn" role="alert">
      <p>The metadata changed since you opened this page. Earlier approvals no longer count; read it again.</p>
      <Button onPress={() => setAcknowledged(id)}>I have read it</Button>
    </div>
  );
}

function What({ approval, details }: { approval: Approval; details: StackDetails }) {
  const before = useLastApproved(approval);
  const metadata = Object.entries(details.metadata);
  return (
    <Pairs
      className="pairs panel-body"
      of={{
        Stack: (
          <>
            <StackLink id={approval.stackId} /> in {approval.state}
          </>
        ),
        "Exactly this": approval.of !== undefined && <Text mono>{approval.of}</Text>,
        "Asked by": (
          <>
            <Text>{approval.askedBy?.name ?? "unknown"}</Text>, <Ago at={approval.askedAt} />
            {!approval.own && " (may not approve)"}
          </>
        ),
        Expires: <Ago at={approval.expiresAt} />,
      }}
    >
      {metadata.map(([key, value]) => (
        <MetadataRow key={key} name={key} value={value} before={before?.[key]} compared={before !== undefined} />
      ))}
    </Pairs>
  );
}

interface MetadataRowProps {
  readonly name: string;
  readonly value: unknown;
  readonly before: unknown;
  readonly compared: boolean;
}

function MetadataRow({ name, value, before, compared }: MetadataRowProps) {
  return (
    <>
      <dt>
        <Text>{name}</Text>
      </dt>
      <dd>
        <MaybeLink value={String(value)} />
        {compared && before !== value && (
          <span className="tone-warn">
            {" "}
            (last approved: <Text>{before === undefined ? "missing" : String(before)}</Text>)
          </span>
        )}
      </dd>
    </>
  );
}

/** Returns the metadata as of the last time when this task's approval was complete; undefined when it never was. */
function useLastApproved({ stackId, task }: Approval): Readonly<Record<string, unknown>> | undefined {
  const { data } = useLoad(keys.stack(stackId, "last-approved", { task }), async ({ signal }) => {
    const { items } = await yard.stacks.history(stackId, { limit: 1_000, signal });
    const entry = items.find(
      (line) => line.event === "APPROVE_TASK" && line.task === task && line.outcome === "applied",
    );
    if (entry === undefined) return null;
    const at = await yard.stacks.at(stackId, entry.position, { signal });
    return at.stack?.metadata ?? null;
  });
  return data ?? undefined;
}

function Given({ approval: { given, from, need } }: { approval: Approval }) {
  return (
    <div className="panel-body stack-v">
      <p>
        <Mark status="approval" word={`Waits for ${need} more`} /> from <Text>{from.join(" or ")}</Text>.
      </p>
      {given.map(({ by, at, comment }) => (
        <p key={`${by.kind} ${by.id}`}>
          <Mark status="succeeded" word="" /> <Text>{by.name}</Text> at <Instant at={at} />
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

/** Renders the effect of the last missing approval, as the server would decide it now. */
function Effect({ approval, details }: { approval: Approval; details: StackDetails }) {
  const dependents = details.tasks.filter((task) => task.waitsFor?.tasks?.includes(approval.task));
  const { states = [], removal = false } = details.reachable ?? {};
  return (
    <Panel title="What follows">
      <div className="panel-body stack-v">
        <p>
          {dependents.length === 0
            ? "No other task of this state waits for it."
            : `Starts: ${dependents.map(({ name }) => name).join(", ")}.`}
        </p>
        <p>
          {states.length === 0 ? "The stack stays in its state." : `The stack can then reach ${states.join(", ")}`}
          {removal ? " and be removed." : states.length > 0 && "."}
        </p>
      </div>
    </Panel>
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
    <div className="row">
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
      <Button refusal={refusal ?? (given ? undefined : "You have not approved it")} onPress={() => show("withdraw")}>
        Withdraw
      </Button>
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
  const toast = useToast();
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
        const answer = await (verb === "approve"
          ? yard.approvals.approve(opened.id, defined({ ...options, of: opened.of }))
          : yard.approvals[verb](opened.id, options));
        if (answer.outcome === "refused") throw new Error(answer.reason ?? answer.code ?? "Refused");
        toast(`${word}: ${answer.outcome}.`);
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
