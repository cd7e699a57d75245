import type { StackDetails, StackPart } from "@stackyard/sdk";
import { toStackStatus } from "../api/status.ts";
import { Sentence } from "../design/sentence.tsx";
import { Ago, Day, Text } from "../design/text.tsx";
import { dropColors } from "../text/ansi.ts";
import { toFirstLine, toSafeText } from "../text/safe-text.ts";
import { findRunning, isAtRest } from "./at-rest.ts";

interface SentenceProps {
  readonly stack: StackDetails;
  /** The errors are below, so it says only which attempt has failed. */
  readonly hasErrorsBelow?: boolean;
}

/** Renders what a stack does or waits for, by the parts of its explanation. */
export function StackSentence({ stack, hasErrorsBelow = false }: SentenceProps) {
  const { summary } = stack;
  const parts = hasErrorsBelow ? stack.parts.map((part) => toAttemptPart(part, stack)) : stack.parts;
  if (isAtRest(stack)) return <RestSentence stack={stack} />;
  return (
    <span className="stack-summary wrap">
      {parts.map((part) => (
        <Part key={`${part.kind} ${part.names.join(" ")}`} part={part} />
      ))}
      {parts.length === 0 && <Sentence text={summary} />}
    </span>
  );
}

/** Returns a part about failed tasks with the attempt of the only one in place of the error. */
function toAttemptPart(part: StackPart, { tasks }: StackDetails): StackPart {
  const own = tasks.filter(({ name }) => part.names.includes(name));
  if (own.length === 0 || own.some(({ status }) => status !== "ERROR")) return part;
  const { why: _, ...bare } = part;
  const number = own.length === 1 ? own[0]?.attempt?.attempt : undefined;
  return number === undefined || bare.does === undefined
    ? bare
    : { ...bare, does: `${bare.does} on attempt ${number}` };
}

/** Renders what a stack that has nothing to do runs, and since when. */
function RestSentence({ stack }: { readonly stack: StackDetails }) {
  const running = findRunning(stack);
  if (running === undefined) {
    return (
      <span className="stack-summary wrap">
        {toStackStatus(stack) === "asleep" ? "Sleeps" : "At rest"} since <Day at={stack.enteredAt} />.
      </span>
    );
  }
  const { version, since } = running;
  return (
    <span className="stack-summary wrap">
      Runs{" "}
      <b title={toSafeText(`${version.key} ${version.full}`)}>
        <Text>{version.short}</Text>
      </b>{" "}
      since <Day at={since} />.
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
