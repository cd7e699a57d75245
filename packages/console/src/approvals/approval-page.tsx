import type { Approval, StackDetails } from "@stackyard/sdk";
import { useRef, useState } from "react";
import { isAbsent, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { ApprovalFigures } from "../design/approval/asks.tsx";
import { Button } from "../design/button.tsx";
import { TextLink, useSearch } from "../design/links.tsx";
import { ListDetail } from "../design/list-detail.tsx";
import { Pill } from "../design/mark.tsx";
import { Absent, Empty, Loaded, Page } from "../design/page.tsx";
import { isPlanDigest } from "../design/release/plan-digest.ts";
import { StackLink } from "../design/stack-link.tsx";
import { StateName } from "../design/state-name.tsx";
import { Ago, Text } from "../design/text.tsx";
import { WhatChanges } from "./approval-changes.tsx";
import { Asked, Decision } from "./approval-decision.tsx";
import { ApprovalList } from "./approval-list.tsx";
import { ClosedApproval } from "./closed-approval.tsx";
import "./approval.css";

/** Renders one approval: its subject, what follows, and who has approved it. */
export function ApprovalPage() {
  const { stack: stackId = "", task = "" } = useSearch();
  return (
    <ListDetail label="Other approvals" list={<ApprovalList stackId={stackId} task={task} />}>
      <OneApproval key={JSON.stringify([stackId, task])} stackId={stackId} task={task} />
    </ListDetail>
  );
}

function OneApproval({ stackId, task }: { stackId: string; task: string }) {
  const stack = useLoad(keys.stack(stackId), (request) => yard.stacks.get(stackId, request), {
    enabled: stackId !== "",
  });
  const isClosed = stack.data !== undefined && findOpen(stack.data, task) === undefined;
  return (
    <Page
      title={`Approval ${task} of ${stackId}`}
      heading={
        <>
          <Text>{stackId}</Text> {isClosed ? "no longer waits" : "waits"} for <Text mono>{task}</Text>
        </>
      }
    >
      {stackId === "" ? (
        <Empty command="stackyard approvals ls">The address names no approval. Open one from the list.</Empty>
      ) : isAbsent(stack.error) ? (
        <Absent path="/approvals" word="All approvals" />
      ) : (
        <Loaded query={stack} height={320}>
          {(details) => <ApprovalOf details={details} task={task} />}
        </Loaded>
      )}
    </Page>
  );
}

function findOpen({ approvals }: StackDetails, task: string): Approval | undefined {
  return approvals?.find((open) => open.task === task);
}

function ApprovalOf({ details, task }: { details: StackDetails; task: string }) {
  const approval = findOpen(details, task);
  if (approval === undefined) return <ClosedApproval details={details} task={task} />;
  return (
    <>
      <p className="approval-where">
        <Pill status="approval" /> <StackLink id={approval.stackId} /> in <StateName state={approval.state} /> of{" "}
        <span>
          <TextLink path="/machine" search={{ name: approval.machine }} text={approval.machine} />, since{" "}
          <Ago at={approval.askedAt} />
        </span>
      </p>
      {isPlanDigest(approval.of) && <ApprovalFigures approval={approval} />}
      <Changed approval={approval} />
      <div className="columns approval-columns">
        <div className="stack-v">
          <WhatChanges approval={approval} details={details} />
        </div>
        <div className="stack-v approval-side">
          <Decision approval={approval} details={details} />
          <Asked approval={approval} />
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
