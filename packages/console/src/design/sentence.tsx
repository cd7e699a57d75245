import { Fragment } from "react";
import { dropColors } from "../text/ansi.ts";
import { Text } from "./text.tsx";

/** Renders a sentence of the server. Commands are between backticks; a task's output may have terminal colors. */
export function Sentence({ text }: { text: string }) {
  return dropColors(text)
    .split("`")
    .map((part, index) => {
      const shown = <Text mono={index % 2 === 1}>{part}</Text>;
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of a text have no other identity
      return <Fragment key={index}>{shown}</Fragment>;
    });
}
