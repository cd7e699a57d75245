import type { MachineDetails } from "@stackyard/sdk";
import { JOB_MACHINE } from "../api/status.ts";
import { useLoad } from "../api/use-load.ts";
import { CopyButton } from "../design/copy-button.tsx";
import { TextLink } from "../design/links.tsx";
import { Mark } from "../design/mark.tsx";
import { Empty, ErrorNotice, Loaded, Panel } from "../design/page.tsx";
import { SourceLines } from "../design/source-lines.tsx";
import type { StackProps } from "./source.ts";
import { StackGraph } from "./stack-graph.tsx";

/** Renders the revision of its machine that a stack has, and its text; the graph is on the first tab. */
export function MachineTab({ source, stack }: StackProps) {
  if (stack.machine === JOB_MACHINE) return <StackGraph source={source} stack={stack} />;
  return (
    <>
      {source.loadMachine !== undefined && <RevisionFacts source={source} stack={stack} />}
      <RevisionText source={source} stack={stack} />
    </>
  );
}

function RevisionFacts({ source, stack: { machine, machineHash } }: StackProps) {
  const query = useLoad(
    source.key("machine", { machine }),
    ({ signal }) => source.loadMachine?.(machine, signal) ?? Promise.reject(new Error("Not available.")),
  );
  return (
    <Panel title="Revision">
      <Loaded query={query} height={60}>
        {(details) => <Facts details={details} machineHash={machineHash} />}
      </Loaded>
    </Panel>
  );
}

function Facts({ details, machineHash }: { details: MachineDetails; machineHash: string }) {
  const { name, hash, status, revision, problems } = details;
  const newest = hash === machineHash;
  return (
    <div className="panel-body row">
      <TextLink path="/machine" search={{ name }} text={name} />
      <code>{machineHash.slice(0, 12)}</code>
      {newest ? (
        <Mark status="succeeded" word="Current revision" />
      ) : (
        <Mark status="overdue" word={`Current is ${hash?.slice(0, 12) ?? "none"}`} />
      )}
      <span className="muted">
        {revision === "pin" ? "Stays until it is upgraded" : "Follows the newest valid revision"}
      </span>
      {status !== "valid" && <Mark status="rejected" word={`${problems.length} problems in the newest document`} />}
    </div>
  );
}

function RevisionText({ source, stack: { machineHash } }: StackProps) {
  const query = useLoad(
    ["other", "revision", source.path, machineHash],
    ({ signal }) => source.loadRevision(machineHash, signal),
    { staleTime: Number.POSITIVE_INFINITY },
  );
  return (
    <Panel
      title="Document"
      {...(query.data !== undefined && { actions: <CopyButton text={query.data} look="plain" /> })}
    >
      {query.error !== null && <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />}
      {query.data === "" && <Empty>The document has no text.</Empty>}
      {query.data !== undefined && query.data !== "" && <SourceLines label="Document" source={query.data} />}
    </Panel>
  );
}
