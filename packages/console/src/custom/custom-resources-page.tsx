import type { CustomResourceRun } from "@stackyard/sdk";
import { AwsPlace } from "../design/aws-place.tsx";
import { To } from "../design/links.tsx";
import { Empty, Page, Panel } from "../design/page.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { Text, useNow } from "../design/text.tsx";
import { formatDuration } from "../text/durations.ts";
import { isNotConfigured, NotConfigured, REQUEST_COLUMNS, useCustomRuns } from "./custom-list.tsx";
import { toShortName } from "./custom-run.ts";

/** Requests of CloudFormation to resources that run ECS tasks. */
export function CustomResourcesPage() {
  const list = useCustomRuns();
  const isUnknown = list.items === undefined && isNotConfigured(list.error);
  return (
    <Page
      title="Custom resources"
      sentence="What CloudFormation has asked resources of the type Custom::ECSTask to run, in the last 30 days."
      actions={<To path="/jobs">Jobs</To>}
    >
      <Panel>
        {isUnknown ? (
          <NotConfigured />
        ) : (
          <ListTable
            list={list}
            label="Requests of CloudFormation"
            columns={COLUMNS}
            keyOf={({ id }) => id}
            height="max(24rem, calc(100dvh - 220px))"
            empty={<Empty>CloudFormation has sent no request yet. A stack with a Custom::ECSTask sends one.</Empty>}
          />
        )}
      </Panel>
    </Page>
  );
}

const COLUMNS: readonly Column<CustomResourceRun>[] = [
  ...REQUEST_COLUMNS,
  { header: "Took", number: true, cell: (run) => <Took run={run} /> },
  {
    header: "By",
    cell: ({ stackId, startedBy }) => <Text>{`CloudFormation, stack ${startedBy?.stack ?? stackId}`}</Text>,
  },
  {
    header: "Where",
    cell: ({ startedBy: { account = "", region = "" } = {} }) =>
      account !== "" && <AwsPlace account={account} region={region} />,
  },
  {
    header: "Task definition",
    cell: ({ taskDefinition }) => taskDefinition !== undefined && <Text mono>{toShortName(taskDefinition)}</Text>,
  },
  { header: "Answer", cell: ({ answer }) => answer !== undefined && <Text>{answer.reason.split("\n")[0] ?? ""}</Text> },
];

function Took({ run: { receivedAt, answeredAt } }: { run: CustomResourceRun }) {
  const now = useNow();
  return formatDuration((answeredAt === undefined ? now : Date.parse(answeredAt)) - Date.parse(receivedAt));
}
