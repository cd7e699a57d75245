import type { StackDetails, StackPart } from "@stackyard/sdk";
import { Sentence } from "../design/sentence.tsx";
import { Ago, Day, Text } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { toFirstLine } from "../text/safe-text.ts";

/** Renders what a stack does or waits for, by the parts of its explanation. */
export function StackSentence({ stack: { parts, summary } }: { readonly stack: StackDetails }) {
  return (
    <span className="stack-summary wrap">
      {parts.map((part) => (
        <Part key={`${part.kind} ${part.names.join(" ")}`} part={part} />
      ))}
      {parts.length === 0 && <Sentence text={summary} />}
    </span>
  );
}

/** Renders one part as a sentence: names, what they do, since when, the first line of the reason, and what comes next. */
export function Part({ part: { names, does, since, why, next } }: { readonly part: StackPart }) {
  const reason = why === undefined ? "" : toFirstLine(dropColors(why)).replace(/\.\s*$/, "");
  return (
    <span>
      <Names of={names} />
      {does !== undefined && <Text>{names.length === 0 ? does : ` ${does}`}</Text>}
      {since !== undefined && (
        <>
          {" "}
          for <Ago at={since} plain />
        </>
      )}
      {reason !== "" && <Text>{`: ${reason}`}</Text>}
      {next !== undefined && (
        <>
          ; <Text>{next.does}</Text>
          <When at={next.at} />
        </>
      )}
      .{" "}
    </span>
  );
}

/** Renders an instant to come: when it is, and in what time. */
export function When({ at }: { readonly at: string }) {
  return (
    <>
      {" "}
      <Day at={at} />, <Ago at={at} />
    </>
  );
}

function Names({ of: names }: { readonly of: readonly string[] }) {
  return names.map((name, index) => (
    <span key={name}>
      {index > 0 && (index === names.length - 1 ? " and " : ", ")}
      <b>
        <Text>{name}</Text>
      </b>
    </span>
  ));
}
