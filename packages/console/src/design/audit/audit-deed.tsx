import type { AuditLine } from "@stackyard/sdk";
import { Fragment } from "react";
import { toSafeText } from "../../text/safe-text.ts";
import { StackLink } from "../stack-link.tsx";
import { Text } from "../text.tsx";
import { type SentencePart, toSentence } from "./audit-sentence.ts";

interface SentenceProps {
  readonly line: AuditLine;
  /** The name of the sender, which distinguishes them from others of that name. */
  readonly who: string;
  /** How often, such as `twice`; empty for once. */
  readonly times?: string;
}

/** Renders who did what to what. The name of the act, which the filter takes, is its title. */
export function AuditSentence({ line, who, times = "" }: SentenceProps) {
  return (
    <span className="wrap" title={toSafeText(line.action)}>
      <strong title={toSafeText(line.who.id)}>
        <Text>{who}</Text>
      </strong>
      {toSentence(line).map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence never change their places
        <Fragment key={index}>
          {" "}
          <Part of={part} />
        </Fragment>
      ))}
      {times !== "" && `, ${times}`}
    </span>
  );
}

function Part({ of: { kind, text } }: { of: SentencePart }) {
  if (kind === "stack") return <StackLink id={text} />;
  if (kind === "job") return <StackLink id={text} path="/job" />;
  if (kind === undefined) return text;
  return (
    <strong>
      <Text>{text}</Text>
    </strong>
  );
}
