import type { StackDetails } from "@stackyard/sdk";
import type { ReactNode } from "react";
import { findMonthlyCost, findVersion } from "../api/stack-facts.ts";
import { JOB_MACHINE } from "../api/status.ts";
import { TextLink, To } from "../design/links.tsx";
import { Commands } from "../design/sentence.tsx";
import { Ago, MaybeLink, OutsideLink, Text } from "../design/text.tsx";
import { toSafeLink, toSafeText } from "../text/safe-text.ts";
import "../design/run/run-head.css";
import { findRunning } from "./at-rest.ts";

const MAX_LINKS = 3;

/** Renders what a stack is of: its pull request, version, machine, age and cost, addresses in its metadata, and commands for it. */
export function FactsLine({ stack }: { stack: StackDetails }) {
  const { id, machine, machineHash, metadata, pull, createdAt, summary } = stack;
  const cost = findMonthlyCost(metadata);
  // The head of one at rest says what it runs.
  const version = findRunning(stack) === undefined ? findVersion(metadata) : undefined;
  return (
    <div className="run-head stack-line">
      <dl aria-label="About the stack">
        {pull !== undefined && (
          <Fact name="Pull request">
            <OutsideLink href={pull.url} word={toSafeText(`${pull.repository.fullName} #${pull.number}`)} />{" "}
            <Text>{pull.title ?? ""}</Text>
          </Fact>
        )}
        {version !== undefined && (
          <Fact name={toSafeText(version.key)}>
            <span title={toSafeText(version.full)}>
              <Text mono>{version.short}</Text>
            </span>
          </Fact>
        )}
        <Fact name="Machine">
          {machine === JOB_MACHINE ? (
            <To path="/job" search={{ id }}>
              Show as a job
            </To>
          ) : (
            <TextLink path="/machine" search={{ name: machine }} text={`${machine}@${machineHash.slice(0, 4)}`} />
          )}
        </Fact>
        <Fact name="Opened">
          <Ago at={createdAt} />
        </Fact>
        {cost !== undefined && <Fact name="Cost">{cost.toFixed(2)} USD a month</Fact>}
        {findLinks(metadata).map(([key, value]) => (
          <Fact key={key} name={toSafeText(key)}>
            <MaybeLink value={value} />
          </Fact>
        ))}
      </dl>
      <Commands text={summary} />
    </div>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Returns addresses in the metadata, such as that of a preview, by their keys. */
function findLinks(metadata: StackDetails["metadata"]): readonly (readonly [string, string])[] {
  return Object.entries(metadata)
    .flatMap(([key, value]) =>
      typeof value === "string" && toSafeLink(value) !== undefined ? [[key, value] as const] : [],
    )
    .slice(0, MAX_LINKS);
}
