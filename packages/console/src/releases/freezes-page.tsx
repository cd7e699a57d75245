import { type By, defined, nameApart, nameBy } from "@stackyard/core";
import type { Freeze } from "@stackyard/sdk";
import { useState } from "react";
import { useAnyRefusal, useRefusal } from "../api/access.ts";
import { yard } from "../api/client.ts";
import { keys } from "../api/keys.ts";
import { useLoad } from "../api/use-load.ts";
import { AuditSentence } from "../design/audit/audit-deed.tsx";
import { Button } from "../design/button.tsx";
import { Happenings } from "../design/happenings.tsx";
import { TextLink } from "../design/links.tsx";
import { Mark, Pill } from "../design/mark.tsx";
import { Empty, Loaded, Page, Panel } from "../design/page.tsx";
import { Pairs } from "../design/pairs.tsx";
import { StackLink } from "../design/stack-link.tsx";
import { Table } from "../design/table.tsx";
import { Ago, Day, Text } from "../design/text.tsx";
import { FREEZE_ACTIONS } from "./freeze-actions.ts";
import { type FreezeAction, FreezeDialog } from "./freeze-dialogs.tsx";
import "./freezes.css";

/** Renders the freezes of the yard: what each holds, who passes, and what was done before. */
export function FreezesPage() {
  const freezes = useLoad(keys.count("freezes"), (request) => yard.freezes.list(request));
  const [action, setAction] = useState<FreezeAction>();
  const refusal = useAnyRefusal("repair");
  return (
    <Page
      title="Freezes"
      sentence="A freeze holds new events of releases. What was sent before continues; plans, approvals and an undo are not held."
      actions={
        <Button look="primary" refusal={refusal} onPress={() => setAction({ kind: "start" })}>
          Start a freeze…
        </Button>
      }
    >
      <Loaded query={freezes} height={240}>
        {(found) =>
          found.length === 0 ? (
            <Panel>
              <Empty command={`stackyard freezes start NAME --reason "…"`}>Nothing is frozen.</Empty>
            </Panel>
          ) : (
            found.map((freeze) => (
              <OneFreeze key={freeze.name} freeze={freeze} people={listPeople(found)} onAction={setAction} />
            ))
          )
        }
      </Loaded>
      <History />
      {action !== undefined && (
        <FreezeDialog
          action={action}
          onClose={() => {
            setAction(undefined);
            void freezes.refetch();
          }}
        />
      )}
    </Page>
  );
}

/** Returns all whom the page names. */
function listPeople(freezes: readonly Freeze[]): readonly By[] {
  return freezes.flatMap((freeze) => [toStarter(freeze), ...freeze.except]);
}

function toStarter({ startedBy, startedById }: Freeze): By {
  return { by: startedBy, ...defined({ byId: startedById }) };
}

interface OneFreezeProps {
  readonly freeze: Freeze;
  /** All whom the page names. */
  readonly people: readonly By[];
  readonly onAction: (action: FreezeAction) => void;
}

function OneFreeze({ freeze, people, onAction }: OneFreezeProps) {
  const { name, reason, startedAt, to, except } = freeze;
  // A freeze matches also stacks that come later: a right to some stacks is not enough.
  const refusal = useRefusal("repair", { machine: freeze.machine });
  return (
    <Panel
      title={<Text>{name}</Text>}
      note={<Pill status="waiting" word="Frozen" />}
      actions={
        <>
          <Button refusal={refusal} onPress={() => onAction({ kind: "except", name, startedAt })}>
            Let a release pass…
          </Button>
          <Button refusal={refusal} onPress={() => onAction({ kind: "end", name, startedAt })}>
            End…
          </Button>
        </>
      }
    >
      <p className="panel-body wrap">
        <Text>{reason}</Text>
      </p>
      <Pairs
        className="pairs panel-body"
        of={{
          Holds: <Scope freeze={freeze} />,
          Since: (
            <>
              <Ago at={startedAt} /> by <Text>{nameBy(toStarter(freeze), people) ?? ""}</Text>
            </>
          ),
          "Ended by":
            to === undefined ? (
              "a person who may repair its stacks"
            ) : (
              <>
                the clock, <Day at={to} />, or a person before
              </>
            ),
          Pass: except.length > 0 && (
            <ul className="plain-list" aria-label={`Releases that pass ${name}`}>
              {except.map((each) => (
                <li key={each.release} className="wrap">
                  <StackLink id={each.release} />{" "}
                  <span className="muted">
                    <Text>{`${each.reason}, ${nameBy(each, people)}`}</Text>, <Ago at={each.at} />
                  </span>
                </li>
              ))}
            </ul>
          ),
        }}
      />
      <Held name={name} />
    </Panel>
  );
}

function Scope({ freeze: { machine, where } }: { freeze: Freeze }) {
  return (
    <>
      {machine === undefined ? "all stacks" : <TextLink path="/machine" search={{ name: machine }} text={machine} />}
      {where !== undefined && (
        <>
          {" "}
          with{" "}
          <code>
            <Text>{where}</Text>
          </code>
        </>
      )}
    </>
  );
}

function Held({ name }: { name: string }) {
  const held = useLoad(keys.count("freeze-held", { name }), (request) => yard.freezes.held(name, request));
  return (
    <Loaded query={held} height={64}>
      {(items) =>
        items.length === 0 ? (
          <p className="panel-body muted">No release waits for it now.</p>
        ) : (
          <Table
            label={`What ${name} holds`}
            rows={items}
            keyOf={({ release, task }) => `${release} ${task}`}
            columns={[
              { header: "Release", cell: ({ release }) => <StackLink id={release} /> },
              { header: "Task", cell: ({ task }) => <Text>{task}</Text> },
              { header: "Stacks held", number: true, cell: ({ stacks }) => stacks },
              {
                header: "Such as",
                cell: ({ examples, problem }) => (
                  <span className="freeze-examples">
                    {problem !== undefined && <Mark status="failed" word={problem} />}
                    {examples.map((id) => (
                      <StackLink key={id} id={id} />
                    ))}
                  </span>
                ),
              },
            ]}
          />
        )
      }
    </Loaded>
  );
}

/** Each read of the audit log adds a line to it, so it is read only on request. */
function History() {
  const [isOpen, setIsOpen] = useState(false);
  const refusal = useAnyRefusal("audit");
  return (
    <Panel
      title="History"
      note="from the audit log"
      actions={
        <Button look="plain" refusal={refusal} pressed={isOpen} onPress={() => setIsOpen(!isOpen)}>
          Show
        </Button>
      }
    >
      {isOpen && <Lines />}
    </Panel>
  );
}

const MOST_LINES = 50;

function Lines() {
  const lines = useLoad(keys.other("freeze-history"), async (request) => {
    const pages = await Promise.all(
      FREEZE_ACTIONS.map((action) => yard.audit.list({ action, limit: MOST_LINES, ...request })),
    );
    const done = pages.flatMap(({ items }) => items).filter(({ outcome }) => outcome === "done");
    return done.toSorted((a, b) => b.at.localeCompare(a.at)).slice(0, MOST_LINES);
  });
  return (
    <Loaded query={lines} height={120}>
      {(items) => {
        if (items.length === 0) return <Empty>Nothing was frozen yet.</Empty>;
        const people = items.map(({ who }) => who);
        return (
          <Happenings
            label="What was done to freezes"
            items={items.map((line) => ({
              key: line.id,
              at: line.at,
              status: "succeeded",
              word: "Done",
              what: <AuditSentence line={line} who={nameApart(line.who, people)} />,
              ...(line.reason !== undefined && { why: <Text>{line.reason}</Text> }),
            }))}
          />
        );
      }}
    </Loaded>
  );
}
