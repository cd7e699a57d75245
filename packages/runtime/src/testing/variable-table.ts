import { Variables } from "../environment/variables.ts";

/** The environment variables as the table of the README. */
export function toVariableTable(): string {
  const rows = Object.entries(Variables.properties).map(([name, schema]) => {
    const description = "description" in schema ? String(schema.description) : "";
    return `| \`${name}\` | ${description} |`;
  });
  return ["| variable | meaning |", "|---|---|", ...rows].join("\n");
}
