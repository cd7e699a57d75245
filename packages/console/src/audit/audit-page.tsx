import { nameApart, toShellCommand } from "@stackyard/core";
import type { AuditHead, AuditLine } from "@stackyard/sdk";
import { useState } from "react";
import { useRefusal } from "../api/access.ts";
import { toFailure, yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { usePages } from "../api/use-pages.ts";
import { AuditSentence } from "../design/audit/audit-deed.tsx";
import { ACTIONS, DENIED } from "../design/audit/audit-sentence.ts";
import { Button } from "../design/button.tsx";
import { Command } from "../design/copy-button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { FilterSwitch, Filters, FilterText, FilterTime } from "../design/filters.tsx";
import { Happenings } from "../design/happenings.tsx";
import { clean, useChangeSearch, useSearch } from "../design/links.tsx";
import { Pill, type Status } from "../design/mark.tsx";
import { Empty, Loaded, MissingNotice, NoMatch, Page } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { saveFile } from "../design/save-file.ts";
import { useSettings } from "../design/settings.ts";
import { Listed } from "../design/table.tsx";
import { Text } from "../design/text.tsx";
import { useToast } from "../design/toasts.tsx";
import { formatDate } from "../text/durations.ts";
import { formatTimes, toAuditRows } from "./audit-rows.ts";

/** The parts of the address that choose lines, and how a person calls them. */
const NAMES = { since: "since", who: "who", action: "what", stack: "on" } as const;

/** Renders the audit log: who did what, and the state of its chain. */
export function AuditPage() {
  const head = useHead();
  return (
    <Page
      title="Audit"
      beside={head.data && <ChainPill head={head.data} />}
      sentence="Who did what, newest first. Each line seals the one before it."
      actions={
        <>
          <ChainButton />
          <Export />
        </>
      }
    >
      <MissingNotice query={head} />
      <Lines />
    </Page>
  );
}

function useHead() {
  return useLoad(keys.other("audit-head"), (request) => yard.audit.head(request));
}

/** Renders how many lines are sealed. That they are whole is proved with the command of the dialog, not here. */
function ChainPill({ head: { seq, first, lost } }: { head: AuditHead }) {
  if (lost) return <Pill status="failed" word="The record of its end is missing" />;
  if (seq === 0) return null;
  const count = seq - first.seq + 1;
  return <Pill status="succeeded" word={`${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"} sealed`} />;
}

/** Renders what proves that no line was changed, in a dialog. */
function ChainButton() {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button onPress={() => setOpen(true)}>Check the chain…</Button>
      {isOpen && <ChainDialog onClose={() => setOpen(false)} />}
    </>
  );
}

function ChainDialog({ onClose }: { onClose: () => void }) {
  const head = useHead();
  return (
    <Dialog title="The chain of the audit log" onClose={onClose}>
      <section>
        <Loaded query={head} height={120}>
          {({ seq, hash, first }) =>
            seq === 0 ? (
              <p>No line has been sealed yet.</p>
            ) : (
              <>
                <p>
                  Each line has the SHA-256 of the one before it. Whoever keeps the last one elsewhere notices each
                  change. This checks all lines that the yard has:
                </p>
                <Command text={toShellCommand`stackyard audit verify --head ${hash}`} />
                <Pairs
                  of={{
                    Lines: `${first.seq} to ${seq}`,
                    [`SHA-256 of line ${seq}`]: <span className="mono wrap">{hash}</span>,
                  }}
                />
              </>
            )
          }
        </Loaded>
        <div className="row">
          <Button onPress={onClose}>Close</Button>
        </div>
      </section>
    </Dialog>
  );
}

function Lines() {
  const search = useSearch();
  const change = useChangeSearch();
  const filter = clean(Object.fromEntries(Object.keys(NAMES).map((name) => [name, search[name]])));
  const lines = usePages(keys.other("audit", filter), (part) => yard.audit.list({ ...filter, ...part }));
  const isFiltered = Object.keys(filter).length > 0;
  const clear = () => change(Object.fromEntries(Object.keys(NAMES).map((name) => [name, undefined])));
  const nothing = isFiltered ? (
    <NoMatch
      filters={Object.entries(filter)
        .map(([name, value]) => `${NAMES[name as keyof typeof NAMES]} ${value}`)
        .join(", ")}
      onClear={clear}
    />
  ) : (
    <Empty>Nothing has been recorded yet.</Empty>
  );
  return (
    <>
      <Filters>
        <FilterTime name="since" label="Since" />
        <FilterText name="who" label="Who" isExact />
        {search["action"] !== DENIED && <FilterText name="action" label="What" offers={ACTIONS} isExact />}
        <FilterText name="stack" label="On" isExact />
        <FilterSwitch name="action" value={DENIED} label="Refused only" />
        <Button look="plain" onPress={lines.refetch}>
          Refresh
        </Button>
      </Filters>
      <section className="panel" aria-label="Lines">
        <Listed list={lines} empty={nothing} height={400}>
          {(items) => <Acts lines={items} />}
        </Listed>
      </section>
    </>
  );
}

const OUTCOMES: Readonly<Record<AuditLine["outcome"], readonly [Status, string]>> = {
  done: ["succeeded", "Done"],
  begun: ["running", "Begun"],
  failed: ["failed", "Failed"],
  denied: ["rejected", "Refused"],
};

function Acts({ lines }: { lines: readonly AuditLine[] }) {
  const people = lines.map(({ who }) => who);
  const { zone } = useSettings();
  return (
    <Happenings
      label="Lines of the audit log, newest first"
      items={toAuditRows(lines, (at) => formatDate(at, zone)).map(({ line, times }) => {
        const [status, word] = OUTCOMES[line.outcome] ?? ["quiet", line.outcome];
        return {
          key: line.id,
          at: line.at,
          status,
          word,
          what: <AuditSentence line={line} who={nameApart(line.who, people)} times={formatTimes(times)} />,
          why: toReason(line),
          who: <Text>{formatOrigin(line)}</Text>,
        };
      })}
    />
  );
}

/** Returns the reason of an act, or why it was not done; undefined where neither is known. */
function toReason({ code, reason }: AuditLine) {
  if (code === undefined && reason === undefined) return undefined;
  return (
    <>
      {reason !== undefined && <Text>{reason}</Text>} {code !== undefined && <Text mono>{code}</Text>}
    </>
  );
}

const WAYS: Readonly<Record<string, string>> = {
  mcp: "by an assistant",
  backend: "by Terraform",
  queue: "over a queue",
  release: "by a release",
};

/** Formats in which way a request came, such as `token, 10.0.0.7`. */
function formatOrigin({ who: { kind, address }, via }: Pick<AuditLine, "who" | "via">): string {
  return [kind, WAYS[via], address].filter((part) => part !== undefined).join(", ");
}

/** Downloads all lines as they are hashed: one a line, oldest first. */
function Export() {
  const refusal = useRefusal("audit");
  const toast = useToast();
  const [count, setCount] = useState<number>();
  const run = async () => {
    const parts: string[] = [];
    try {
      for await (const line of yard.audit.export()) {
        parts.push(`${line}\n`);
        if (parts.length % 1_000 === 0) setCount(parts.length);
      }
      saveFile(new Blob(parts, { type: "application/x-ndjson" }), "audit.ndjson");
      toast(`Exported ${parts.length} lines.`);
    } catch (error) {
      toast(`Export failed: ${toFailure(error).detail}`, "fail");
    } finally {
      setCount(undefined);
    }
  };
  return (
    <Button
      look="primary"
      onPress={() => void run()}
      refusal={count === undefined ? refusal : `Exporting, ${count} lines`}
    >
      {count === undefined ? "Export" : `Exporting ${count}`}
    </Button>
  );
}
