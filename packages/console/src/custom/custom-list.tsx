import type { CustomResourceRun } from "@stackyard/sdk";
import { toFailure, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { type PagedList, usePages } from "../api/use-pages.ts";
import { TextLink } from "../design/links.tsx";
import { SideList } from "../design/list-detail.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty } from "../design/page.tsx";
import type { Column } from "../design/table.tsx";
import { Ago } from "../design/text.tsx";
import { toRequestStatus } from "./custom-run.ts";

/** Loads the requests of CloudFormation, the newest first. */
export function useCustomRuns(): PagedList<CustomResourceRun> {
  return usePages(keys.list("custom-resources"), (part) => yard.customResources.list(part));
}

/** Returns true if the server does not know the table with the requests. */
export function isNotConfigured(error: unknown): boolean {
  return error !== null && toFailure(error).code === "NOT_CONFIGURED";
}

/** Renders what to configure where the server cannot read the requests. */
export function NotConfigured() {
  return (
    <Empty command="export STACKYARD_CUSTOM_RESOURCES=TABLE">
      This server does not know the table of the function behind Custom::ECSTask. Set its name or ARN as customResources
      in stackyard.config.ts, or as STACKYARD_CUSTOM_RESOURCES, and let the server query it (dynamodb:Query,
      dynamodb:GetItem).
    </Empty>
  );
}

/** The columns that distinguish requests. */
export const REQUEST_COLUMNS: readonly Column<CustomResourceRun>[] = [
  { header: "State", cell: (run) => <Mark {...toRequestStatus(run)} /> },
  {
    header: "Resource",
    cell: ({ id, logicalId }) => <TextLink path="/custom-resource" search={{ id }} text={logicalId} />,
  },
  { header: "Request", cell: ({ requestType }) => requestType },
  { header: "Received", cell: ({ receivedAt }) => <Ago at={receivedAt} /> },
];

/** Renders the requests next to one of them. */
export function CustomList({ id }: { id: string }) {
  return (
    <SideList
      label="Requests"
      list={useCustomRuns()}
      keyOf={(run) => run.id}
      selected={id}
      columns={[
        {
          header: "Request",
          cell: (run) => (
            <>
              <Mark status={toRequestStatus(run).status} bare />{" "}
              <TextLink path="/custom-resource" search={{ id: run.id }} text={`${run.logicalId} ${run.requestType}`} />
            </>
          ),
        },
        { header: "Received", narrow: true, cell: ({ receivedAt }) => <Ago at={receivedAt} /> },
      ]}
    />
  );
}
