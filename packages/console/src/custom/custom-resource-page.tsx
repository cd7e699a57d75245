import { toTaskLogsUrl } from "@stackyard/core";
import type { CustomResourceRun } from "@stackyard/sdk";
import { isAbsent, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePlaceName } from "../api/use-account-name.ts";
import { useLoad } from "../api/use-load.ts";
import { Gantt } from "../design/charts/gantt.tsx";
import { To, useSearch } from "../design/links.tsx";
import { ListDetail } from "../design/list-detail.tsx";
import { Absent, Empty, Loaded, Page, Panel } from "../design/page.tsx";
import { RunError, RunHead, RunHeading } from "../design/run/run-head.tsx";
import { Steps } from "../design/run/steps.tsx";
import { Table } from "../design/table.tsx";
import { Tabs } from "../design/tabs.tsx";
import { Ago, OutsideLink, Text, useNow } from "../design/text.tsx";
import { ValueChange } from "../design/value-change.tsx";
import { Json } from "../runs/run-tabs.tsx";
import { formatDuration } from "../text/durations.ts";
import { CustomList, isNotConfigured, NotConfigured, REQUEST_COLUMNS } from "./custom-list.tsx";
import {
  compareRequests,
  findEarlierSuccess,
  toReason,
  toRequestRows,
  toRequestStatus,
  toRequestSteps,
  toShortName,
} from "./custom-run.ts";

/** Renders one request of CloudFormation: what it ran, and what was answered. */
export function CustomResourcePage() {
  const { id = "" } = useSearch();
  return (
    <ListDetail label="Other requests" list={<CustomList id={id} />}>
      <OneRequest key={id} id={id} />
    </ListDetail>
  );
}

const REFETCH_MS = 5_000;

function OneRequest({ id }: { id: string }) {
  const run = useLoad(keys.list("custom-resource", { id }), (request) => yard.customResources.get(id, request), {
    enabled: id !== "",
    refetchInterval: ({ state: { data } }) => (data?.answer === undefined ? REFETCH_MS : false),
  });
  if (id === "") {
    return (
      <Page title="Custom resource">
        <Empty>
          The address names no request. <To path="/custom-resources">All requests</To>
        </Empty>
      </Page>
    );
  }
  const name = run.data?.logicalId ?? id;
  return (
    <Page title={`Custom resource ${name}`} heading={<Heading name={name} run={run.data} />}>
      {isNotConfigured(run.error) ? (
        <NotConfigured />
      ) : isAbsent(run.error) ? (
        <Absent path="/custom-resources" word="All requests" />
      ) : (
        <Loaded query={run} height={400}>
          {(found) => <Shown run={found} />}
        </Loaded>
      )}
    </Page>
  );
}

function Heading({ name, run }: { name: string; run: CustomResourceRun | undefined }) {
  const title = (
    <>
      Custom resource <Text>{name}</Text>
    </>
  );
  return run === undefined ? title : <RunHeading {...toRequestStatus(run)}>{title}</RunHeading>;
}

const TABS = [
  { id: "tasks", title: "Tasks" },
  { id: "answer", title: "Answer" },
  { id: "requests", title: "Requests of this resource" },
];

function Shown({ run }: { run: CustomResourceRun }) {
  const { tab = "tasks" } = useSearch();
  const now = useNow();
  const { receivedAt, answeredAt, answer } = run;
  const isFailed = answer?.status === "FAILED";
  return (
    <>
      <Head run={run} />
      {isFailed && (
        <div className="columns">
          <RunError {...toReason(answer.reason)}>
            <p>To run it again, update the stack: a change of Triggers in the template causes an update.</p>
          </RunError>
          <Changes run={run} />
        </div>
      )}
      {answer !== undefined && !isFailed && (
        <p>
          <Text>{answer.reason}</Text>
        </p>
      )}
      <Panel title="Request">
        <Steps label="The request in order" steps={toRequestSteps(run, now)} />
      </Panel>
      <Panel title="Timeline">
        <Gantt
          label="Timeline since the request"
          heads={["What", ""]}
          rows={toRequestRows(run)}
          from={Date.parse(receivedAt)}
          to={answeredAt === undefined ? now : Date.parse(answeredAt)}
        />
      </Panel>
      <Tabs path="/custom-resource" tabs={TABS} keep={["id"]} />
      {tab === "tasks" && <Tasks run={run} />}
      {tab === "answer" && <Answer run={run} />}
      {tab === "requests" && <Requests run={run} />}
    </>
  );
}

function Head({ run }: { run: CustomResourceRun }) {
  const { requestType, startedBy, cluster, taskDefinition, receivedAt, answeredAt } = run;
  const toPlace = usePlaceName();
  const { account = "", region = "" } = startedBy ?? {};
  return (
    <RunHead
      facts={{
        What: `${requestType} of a Custom::ECSTask`,
        Where: <Text>{[account && toPlace(account, region), cluster].filter(Boolean).join(", ")}</Text>,
        By: startedBy !== undefined && <Starter by={startedBy} />,
        Received: (
          <>
            <Ago at={receivedAt} />
            {answeredAt !== undefined && `, took ${formatDuration(Date.parse(answeredAt) - Date.parse(receivedAt))}`}
          </>
        ),
        Version: taskDefinition !== undefined && <Text mono>{toShortName(taskDefinition)}</Text>,
      }}
    />
  );
}

/** Renders who requested it: the stack by its name, its ARN, and its page in the console of AWS. */
function Starter({ by: { stack, arn, consoleUrl } }: { by: NonNullable<CustomResourceRun["startedBy"]> }) {
  return (
    <>
      {stack === undefined ? "CloudFormation" : <Text>{`CloudFormation, stack ${stack}`}</Text>}
      {consoleUrl !== undefined && (
        <>
          {" "}
          <OutsideLink href={consoleUrl} word="Open in AWS" />
        </>
      )}
      <br />
      <span className="muted">
        <Text mono>{arn}</Text>
      </span>
    </>
  );
}

/** Requests that are searched for others of the same resource. */
const SEARCHED = 200;

function useEarlier() {
  return useLoad(keys.list("custom-resources", { newest: SEARCHED }), (request) =>
    yard.customResources.list({ limit: SEARCHED, ...request }),
  );
}

function Changes({ run }: { run: CustomResourceRun }) {
  return (
    <Panel title="What changed since the last success">
      <Loaded query={useEarlier()} height={120}>
        {({ items }) => {
          const then = findEarlierSuccess(run, items);
          if (then === undefined) {
            return <Empty>No earlier success of this resource is known. Requests are kept for 30 days.</Empty>;
          }
          const changed = compareRequests(then, run);
          return (
            <dl className="pairs panel-body">
              <dt>Last success</dt>
              <dd>
                <To path="/custom-resource" search={{ id: then.id }}>
                  {then.requestType}
                </To>
                , <Ago at={then.answeredAt ?? then.receivedAt} />
              </dd>
              {changed.map((difference) => (
                <ValueChange key={difference.what} {...difference} />
              ))}
              {changed.length === 0 && (
                <>
                  <dt>Values</dt>
                  <dd className="muted">Cluster, task definition and number of tasks are equal</dd>
                </>
              )}
            </dl>
          );
        }}
      </Loaded>
    </Panel>
  );
}

function Tasks({ run: { taskArns } }: { run: CustomResourceRun }) {
  return (
    <Panel title="Tasks" note={taskArns.length}>
      <Table
        label="Tasks of the request"
        rows={taskArns}
        keyOf={(arn) => arn}
        columns={[
          { header: "Task", cell: (arn: string) => <Text mono>{toShortName(arn)}</Text> },
          { header: "Logs", cell: (arn: string) => <Logs arn={arn} /> },
        ]}
        empty={<Empty>The request has started no task.</Empty>}
      />
    </Panel>
  );
}

function Logs({ arn }: { arn: string }) {
  const address = toTaskLogsUrl(arn);
  if (address === undefined) return <span className="muted">unknown</span>;
  return <OutsideLink href={address} word="Logs in ECS" />;
}

function Answer({ run: { answer } }: { run: CustomResourceRun }) {
  if (answer !== undefined) return <Json title="Answer" value={answer} />;
  return (
    <Panel title="Answer">
      <Empty>CloudFormation has not been answered yet. It waits for an hour, or for ServiceTimeout.</Empty>
    </Panel>
  );
}

function Requests({ run }: { run: CustomResourceRun }) {
  return (
    <Panel title="Requests of this resource">
      <Loaded query={useEarlier()} height={120}>
        {({ items }) => (
          <Table
            label="Requests of this resource, newest first"
            rows={items.filter(({ resourceId }) => resourceId === run.resourceId)}
            keyOf={({ id }) => id}
            selected={run.id}
            columns={REQUEST_COLUMNS}
          />
        )}
      </Loaded>
    </Panel>
  );
}
