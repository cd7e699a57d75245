import type { CustomResourceRun } from "@stackyard/sdk";
import { AwsPlace } from "../design/aws-place.tsx";
import { type Happening, Happenings } from "../design/happenings.tsx";
import { TextLink, To } from "../design/links.tsx";
import { Empty, Page, Panel } from "../design/page.tsx";
import { Listed } from "../design/table.tsx";
import { Reason, Text, useNow } from "../design/text.tsx";
import { formatDuration } from "../text/durations.ts";
import { toFirstLine } from "../text/safe-text.ts";
import { isNotConfigured, NotConfigured, useCustomRuns } from "./custom-list.tsx";
import { toReason, toRequestDeed, toRequestStatus, toShortName } from "./custom-run.ts";

/** Requests of CloudFormation to resources that run ECS tasks. */
export function CustomResourcesPage() {
  const list = useCustomRuns();
  const isUnknown = list.items === undefined && isNotConfigured(list.error);
  return (
    <Page
      title="Custom resources"
      sentence="What CloudFormation has asked resources of the type Custom::ECSTask to run, in the last 30 days."
      actions={
        <To path="/jobs" className="button">
          Jobs
        </To>
      }
    >
      <Panel>
        {isUnknown ? (
          <NotConfigured />
        ) : (
          <Listed
            list={list}
            empty={<Empty>CloudFormation has sent no request yet. A stack with a Custom::ECSTask sends one.</Empty>}
          >
            {(runs) => <Happenings label="Requests of CloudFormation, newest first" items={runs.map(toHappening)} />}
          </Listed>
        )}
      </Panel>
    </Page>
  );
}

function toHappening(run: CustomResourceRun): Happening {
  const { id, receivedAt, taskDefinition, answer } = run;
  return {
    key: id,
    at: receivedAt,
    ...toRequestStatus(run),
    what: <Deed run={run} />,
    ...(answer !== undefined && { why: <Result answer={answer} /> }),
    ...(taskDefinition !== undefined && { who: <Text mono>{toShortName(taskDefinition)}</Text> }),
  };
}

/** Renders which request of which stack it was, and what became of it, in one sentence. */
function Deed({ run }: { run: CustomResourceRun }) {
  const { id, requestType, logicalId, stackId, startedBy, receivedAt, answeredAt } = run;
  const { stack = stackId, account = "", region = "" } = startedBy ?? {};
  const now = useNow();
  const ms = (answeredAt === undefined ? now : Date.parse(answeredAt)) - Date.parse(receivedAt);
  return (
    <>
      {requestType} of <TextLink path="/custom-resource" search={{ id }} text={logicalId} /> in stack{" "}
      <Text>{stack}</Text> {toRequestDeed(run)} {formatDuration(ms)}
      {account !== "" && (
        <span className="muted">
          {", "}
          <AwsPlace account={account} region={region} />
        </span>
      )}
    </>
  );
}

/** Renders the first line of an answer; the code of a failure stands beside it. */
function Result({ answer: { status, reason } }: { answer: NonNullable<CustomResourceRun["answer"]> }) {
  const { code, message } = toReason(reason);
  return <Reason reason={toFirstLine(message)} code={status === "FAILED" ? code : undefined} />;
}
