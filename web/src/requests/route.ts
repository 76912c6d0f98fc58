/** The route of those known that a target belongs to: the one with most fixed segments; null for none. */
export function routeFor(target: string, routes: readonly string[]): string | null {
  const path = target.replace(/^[a-z]+:\/\/[^/]*/i, '').split(/[?#]/)[0] ?? '';
  const segments = path.split('/');
  let best: string | null = null;
  let bestFixed = -1;
  for (const route of routes) {
    const pattern = route.split('/');
    const fixed = pattern.filter((segment) => !segment.startsWith('{')).length;
    if (pattern.length === segments.length && fixed > bestFixed && pattern.every((segment, i) => segment.startsWith('{') || segment === segments[i])) {
      [best, bestFixed] = [route, fixed];
    }
  }
  return best;
}
