import { stripVTControlCharacters } from "node:util";

/** What turns the direction of the text around it, so that a name reads as another one. */
const DIRECTIONS = "\\u202a-\\u202e\\u2066-\\u2069";
const COLOR_OR_CONTROL = new RegExp(`\\u001b\\[[0-9;]*m|[\\p{Cc}${DIRECTIONS}]`, "gu");
const CONTROL = new RegExp(`[\\p{Cc}${DIRECTIONS}]`, "gu");
const UNESCAPED_IN_JSON = new RegExp(`[\\u007f-\\u009f${DIRECTIONS}]`, "gu");

/** Names and messages come from outside: of what a terminal would obey, only colours and ends of lines pass. */
export function toColoredText(text: string): string {
  return text.replaceAll(COLOR_OR_CONTROL, (match) => (match.length > 1 ? match : keepBlank(match)));
}

/** Without colours too. What is left when sequences are taken out may be one again, so that is looked at once more. */
export function toPlainText(text: string): string {
  return stripVTControlCharacters(text).replaceAll(CONTROL, keepBlank);
}

/** JSON of one line, whole: what a terminal would obey is escaped. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    UNESCAPED_IN_JSON,
    (match) => `\\u${match.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function keepBlank(control: string): string {
  return control === "\n" || control === "\t" ? control : "";
}
