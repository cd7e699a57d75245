/** What a figure may be, in the figure's own unit. */
export interface Budget {
  readonly most: number;
  readonly unit: string;
}

/** Says whether a figure keeps its budget, and the budget: `within 1 s`, `above 1 s`. No figure keeps none. */
export function judgeBudget(figure: number, { most, unit }: Budget): string {
  return `${figure <= most ? "within" : "above"} ${most} ${unit}`;
}
