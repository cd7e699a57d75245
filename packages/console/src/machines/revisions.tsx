import type { BulkRequest, RevisionSummary } from "@stackyard/sdk";
import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { usePages } from "../api/use-pages.ts";
import { BulkDialog } from "../bulk/bulk-dialog.tsx";
import { Button } from "../design/button.tsx";
import { TextLink, To } from "../design/links.tsx";
import { Empty, Panel } from "../design/page.tsx";
import { type Column, ListTable } from "../design/table.tsx";
import { ActionsHeading, Ago } from "../design/text.tsx";

/** Renders the revisions of a machine, newest first, with how many stacks each has. */
export function Revisions({ name }: { name: string }) {
  const list = usePages(keys.machine(name, "revisions"), (part) => yard.machines.revisions(name, part));
  const [request, setRequest] = useState<BulkRequest>();
  const refusal = useRefusal("repair", { machine: name });
  const columns: readonly Column<RevisionSummary>[] = [
    {
      header: "Revision",
      cell: ({ hash, current }) => (
        <span className="row">
          <TextLink path="/edit" search={{ machine: name, rev: hash }} text={hash.slice(0, 12)} mono />
          {current && <b>current</b>}
        </span>
      ),
    },
    {
      header: "First used",
      cell: ({ firstSeenAt }) =>
        firstSeenAt === undefined ? <span className="muted">by no stack yet</span> : <Ago at={firstSeenAt} />,
    },
    {
      header: "Stacks",
      number: true,
      cell: ({ hash, stacks }) => (
        <To path="/stacks" search={{ machine: name, revision: hash }}>
          {String(stacks)}
        </To>
      ),
    },
    {
      id: "actions",
      header: <ActionsHeading />,
      cell: ({ hash, current, stacks }) => (
        <span className="row">
          <To path="/edit" search={{ machine: name, rev: hash, tab: "diff" }}>
            Compare with the newest
          </To>
          {!current && (
            <Button
              refusal={refusal ?? (stacks === 0 ? "No stack has this revision" : undefined)}
              onPress={() => setRequest({ operation: "upgrade", filter: { machine: name, revision: hash } })}
            >
              Upgrade stacks…
            </Button>
          )}
        </span>
      ),
    },
  ];
  return (
    <Panel title="Revisions">
      <ListTable
        list={list}
        empty={<Empty>No revision of this machine is known yet.</Empty>}
        label="Revisions"
        columns={columns}
        keyOf={({ hash }) => hash}
      />
      {request !== undefined && <BulkDialog request={request} onClose={() => setRequest(undefined)} />}
    </Panel>
  );
}
