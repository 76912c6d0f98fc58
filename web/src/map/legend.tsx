/** What lines and rings mean. */
export function Legend() {
  return (
    <ul class="map-legend" aria-label="Legend">
      <li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="lg-thin" d="M0 5H14" /><path class="lg-thick" d="M18 5H34" /></svg>more requests, wider</li>
      <li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="lg-some" d="M0 5H34" /></svg>1 % errors or more</li>
      <li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="lg-many" d="M0 5H34" /></svg>5 % or more</li>
      <li><svg viewBox="0 0 34 10" aria-hidden="true"><path class="lg-one" d="M0 5H34" /></svg>seen at one end only</li>
      <li><svg viewBox="0 0 12 12" class="lg-ring" aria-hidden="true"><circle cx="6" cy="6" r="4.500" /><path d="M6 1.500A4.500 4.500 0 0 1 10.500 6" /></svg>share of errors</li>
    </ul>
  );
}
