import { Fragment } from "react";
import { dropColors } from "../text/ansi.ts";
import { splitCodes } from "../text/split-codes.ts";
import { splitCommands } from "../text/split-commands.ts";
import { Text } from "./text.tsx";

/**
 * Renders a sentence of the server without the commands that it names, and with its codes apart. Code is between backticks;
 * a task's output may have terminal colors.
 */
export function Sentence({ text }: { text: string }) {
  return splitCommands(dropColors(text))
    .words.split("`")
    .map((part, place) => ({ place, part }))
    .map(({ place, part }) => (
      <Fragment key={place}>{place % 2 === 1 ? <Text mono>{part}</Text> : <Words text={part} />}</Fragment>
    ));
}

function Words({ text }: { text: string }) {
  return splitCodes(text)
    .map((piece, place) => ({ place, ...piece }))
    .map(({ place, kind, text }) =>
      kind === "words" ? (
        <Text key={place}>{text}</Text>
      ) : (
        <span key={place} className="code-beside">
          <Text mono>{text}</Text>
        </span>
      ),
    );
}

interface CommandsProps {
  readonly text: string;
  /** A sentence next to it whose commands are not said again. */
  readonly except?: string;
}

/** Renders the commands that a sentence of the server names, in a quiet line; nothing where it names none. */
export function Commands({ text, except = "" }: CommandsProps) {
  const said = new Set(splitCommands(dropColors(except)).commands);
  const commands = splitCommands(dropColors(text)).commands.filter((command) => !said.has(command));
  if (commands.length === 0) return null;
  return (
    <span className="muted">
      In a terminal:{" "}
      {commands.map((command, index) => (
        <Fragment key={command}>
          {index > 0 && " or "}
          <Text mono>{command}</Text>
        </Fragment>
      ))}
    </span>
  );
}
