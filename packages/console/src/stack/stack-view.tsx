import type { StackDetails } from "@stackyard/sdk";
import { isAbsent } from "../api/client.ts";
import { useListPlace } from "../api/last-list.ts";
import { toStackStatus } from "../api/status.ts";
import { useLoad } from "../api/use-load.ts";
import { Button } from "../design/button.tsx";
import { useGo, useSearch } from "../design/links.tsx";
import { Pill } from "../design/mark.tsx";
import { Absent, ErrorNotice, Page, Skeleton } from "../design/page.tsx";
import { StateName } from "../design/state-name.tsx";
import { Tabs } from "../design/tabs.tsx";
import { Ago, Text } from "../design/text.tsx";
import { StackActions } from "./actions/stack-actions.tsx";
import { AttemptsTab } from "./attempts/attempts-tab.tsx";
import { FactsLine } from "./facts-line.tsx";
import { HistoryTab } from "./history/history-tab.tsx";
import { MachineTab } from "./machine-tab.tsx";
import { MetadataTab } from "./metadata-tab.tsx";
import { NowTab } from "./now-tab.tsx";
import type { StackProps, StackSource } from "./source.ts";
import { StackSentence } from "./stack-sentence.tsx";
import "./stack.css";

const TABS = [
  { id: "now", title: "Now" },
  { id: "history", title: "History" },
  { id: "attempts", title: "Attempts" },
  { id: "metadata", title: "Metadata" },
  { id: "machine", title: "Machine" },
];

/** Renders a stack from any source, with its tabs. */
export function StackView({ source }: { source: StackSource }) {
  const query = useLoad(source.key("details"), ({ signal }) => source.loadDetails(signal));
  const { data, error } = query;
  if (isAbsent(error)) return <RemovedStack source={source} />;
  if (data !== undefined) return <LoadedStack source={source} stack={data} />;
  return (
    <Page title={source.stackId} heading={<Text>{source.stackId}</Text>}>
      {error === null ? <Skeleton height={480} /> : <ErrorNotice error={error} onRetry={() => void query.refetch()} />}
    </Page>
  );
}

function LoadedStack({ source, stack }: StackProps) {
  const { tab = "now" } = useSearch();
  return (
    <Page
      title={stack.id}
      heading={<Heading stack={stack} />}
      sentence={<StackSentence stack={stack} hasErrorsBelow={tab === "now"} />}
      actions={
        <>
          <StackActions source={source} stack={stack} />
          <Neighbours source={source} />
        </>
      }
    >
      <FactsLine stack={stack} />
      <Tabs path={source.path} tabs={TABS} keep={["id"]} />
      {tab === "now" && <NowTab source={source} stack={stack} />}
      {tab === "history" && <HistoryTab source={source} stack={stack} />}
      {tab === "attempts" && <AttemptsTab source={source} stack={stack} />}
      {tab === "metadata" && <MetadataTab source={source} stack={stack} />}
      {tab === "machine" && <MachineTab source={source} stack={stack} />}
    </Page>
  );
}

function Heading({ stack }: { stack: StackDetails }) {
  const { id, state, enteredAt } = stack;
  return (
    <span className="row">
      <Pill status={toStackStatus(stack)} />
      <Text>{id}</Text>
      <span className="stack-facts">
        <span>
          <StateName state={state} /> for <Ago at={enteredAt} plain />
        </span>
      </span>
    </span>
  );
}

/** Previous and next stack of the list from which this one was opened; nothing where it was opened from none. */
function Neighbours({ source: { stackId, path } }: { source: StackSource }) {
  const place = useListPlace(stackId);
  const go = useGo();
  if (path !== "/stack" || place === undefined) return null;
  const open = (id: string | undefined) => {
    if (id !== undefined) go("/stack", { id });
  };
  return (
    <span className="row">
      <Button
        shortcut="["
        look="plain"
        label="Previous stack of the list"
        idle={place.previous === undefined ? "This is the first one loaded" : undefined}
        onPress={() => open(place.previous)}
      >
        ‹
      </Button>
      <span className="muted nowrap">
        {place.place} of {place.total} loaded
      </span>
      <Button
        shortcut="]"
        look="plain"
        label="Next stack of the list"
        idle={place.next === undefined ? "This is the last one loaded" : undefined}
        onPress={() => open(place.next)}
      >
        ›
      </Button>
    </span>
  );
}

/** Renders a removed stack with its history; one without a history never existed, or may not be read. */
function RemovedStack({ source }: { source: StackSource }) {
  const query = useLoad(source.key("exists"), ({ signal }) => source.loadHistory({ limit: 1, signal }));
  const exists = query.data !== undefined && query.data.items.length > 0;
  const heading = (
    <span className="row">
      {exists && <Pill status="removed" />}
      <Text>{source.stackId}</Text>
    </span>
  );
  return (
    <Page title={source.stackId} heading={heading}>
      {query.isPending && <Skeleton height={240} />}
      {query.error !== null && !isAbsent(query.error) && (
        <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
      )}
      {query.data !== undefined && !exists && <Absent path="/stacks" word="All stacks" />}
      {exists && (
        <>
          <p className="stack-summary">The stack was removed. Its history remains.</p>
          <HistoryTab source={source} stack={undefined} />
        </>
      )}
    </Page>
  );
}
