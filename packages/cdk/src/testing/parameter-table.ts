import { PARAMETERS, PARAMETERS_OF } from "../templates/parameter-definitions.ts";
import type { ParameterDefinition } from "../templates/parameter-forms.ts";

const LETTERS = {
  yard: "Y",
  "state-manager": "S",
  "task-runner": "T",
  "ecs-task": "E",
  fleet: "F",
  "fleet-instances": "I",
  services: "V",
  releases: "R",
  "releases-account": "A",
  distributor: "D",
  consumer: "C",
  "consumer-zip": "Z",
  "consumers-rollout": "O",
} as const;

/** Formats the parameters of the templates as the table of the README. */
export function toParameterTable(): string {
  const rows = Object.entries<ParameterDefinition>(PARAMETERS).map(([name, definition]) => {
    const { description, values } = definition;
    const of = Object.entries(PARAMETERS_OF).filter(([, names]) => names.some((each) => each === name));
    const letters = of.map(([template]) => Object.entries(LETTERS).find(([key]) => key === template)?.[1]).join(" ");
    const allowed = values === undefined || values.length > 5 ? "" : ` One of ${values.join(", ")}.`;
    return `| \`${name}\` | ${letters} | ${toDefault(definition)} | ${description}${allowed} |`;
  });
  return ["| parameter | of | default | |", "|---|---|---|---|", ...rows].join("\n");
}

function toDefault({ default: value }: ParameterDefinition): string {
  if (value === undefined) return "";
  return value === "" ? "none" : `\`${value}\``;
}
