import type { StrategyItem } from "./ecs-state.ts";

/**
 * Which capacity provider each of `count` tasks goes to: bases first, the rest by weight. Source: API reference,
 * "CapacityProviderStrategyItem".
 */
export function spreadOverProviders(strategy: readonly StrategyItem[], count: number): readonly string[] {
  const based = strategy.flatMap(({ capacityProvider, base = 0 }) =>
    Array<string>(Math.min(base, count)).fill(capacityProvider),
  );
  const chosen = based.slice(0, count);
  const total = strategy.reduce((sum, { weight = 0 }) => sum + weight, 0);
  for (let rest = 1; chosen.length < count; rest += 1) {
    const weighted = chosen.slice(based.length);
    const lag = ({ capacityProvider, weight = 0 }: StrategyItem): number => {
      return (weight / total) * rest - weighted.filter((name) => name === capacityProvider).length;
    };
    const [next] = strategy.filter(({ weight = 0 }) => weight > 0).toSorted((one, other) => lag(other) - lag(one));
    if (next === undefined) return chosen;
    chosen.push(next.capacityProvider);
  }
  return chosen;
}
