// How wrong is one raw prediction z for a target y, and how does that change: the same table as
// downslope/losses. Binary targets are -1 and +1.

export interface Loss {
  readonly name: string;
  readonly label: string;
  /** The objective as it is shown, its factors included. */
  readonly convention: string;
  /** The gradient's factor in front of the sum over rows, and what each row adds before its x. */
  readonly factor: number;
  readonly binary: boolean;
  /** True where the curvature is the same everywhere, so that the stable limit is exact. */
  readonly quadratic: boolean;
  /** Bound of the second derivative; null where the slope jumps. */
  readonly maxCurvature: number | null;
  value(z: number, y: number): number;
  slope(z: number, y: number): number;
  curvature(z: number, y: number): number;
}

const HUBER = 1;

function sigmoid(z: number): number {
  const e = Math.exp(-Math.abs(z));
  return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

const mse: Loss = {
  name: "mse",
  label: "mean of squares (MSE)",
  convention: "L = (1/n) Σ (z − y)², so the gradient is (2/n) Σ (z − y)·x",
  factor: 2,
  binary: false,
  quadratic: true,
  maxCurvature: 2,
  value: (z, y) => (z - y) * (z - y),
  slope: (z, y) => 2 * (z - y),
  curvature: () => 2,
};

const squaredError: Loss = {
  name: "squared_error",
  label: "half squared error",
  convention: "L = (1/2n) Σ (z − y)², so the gradient is (1/n) Σ (z − y)·x: half of MSE's",
  factor: 1,
  binary: false,
  quadratic: true,
  maxCurvature: 1,
  value: (z, y) => 0.5 * (z - y) * (z - y),
  slope: (z, y) => z - y,
  curvature: () => 1,
};

const huber: Loss = {
  name: "huber",
  label: "Huber, ε = 1",
  convention: "L = (1/n) Σ h(z − y) with h(r) = r²/2 up to |r| = 1, then |r| − 1/2; gradient (1/n) Σ clip(z − y, ±1)·x",
  factor: 1,
  binary: false,
  quadratic: false,
  maxCurvature: 1,
  value(z, y) {
    const size = Math.abs(z - y);
    return size <= HUBER ? 0.5 * size * size : HUBER * size - 0.5 * HUBER * HUBER;
  },
  slope: (z, y) => Math.max(-HUBER, Math.min(HUBER, z - y)),
  curvature: (z, y) => (Math.abs(z - y) <= HUBER ? 1 : 0),
};

const logLoss: Loss = {
  name: "log_loss",
  label: "log loss (logistic regression)",
  convention: "L = (1/n) Σ log(1 + exp(−y·z)) with y = ±1, so the gradient is (1/n) Σ (p − [y = +1])·x",
  factor: 1,
  binary: true,
  quadratic: false,
  maxCurvature: 0.25,
  value(z, y) {
    const m = y * z;
    return Math.log1p(Math.exp(-Math.abs(m))) + (Math.abs(m) - m) * 0.5;
  },
  slope: (z, y) => -y * sigmoid(-y * z),
  curvature(z) {
    const e = Math.exp(-Math.abs(z));
    return e / ((1 + e) * (1 + e));
  },
};

const hinge: Loss = {
  name: "hinge",
  label: "hinge (support vector machine)",
  convention: "L = (1/n) Σ max(0, 1 − y·z) with y = ±1, so the gradient is (1/n) Σ −y·x over rows with y·z ≤ 1",
  factor: 1,
  binary: true,
  quadratic: false,
  maxCurvature: null,
  value: (z, y) => Math.max(0, 1 - y * z),
  slope: (z, y) => (y * z <= 1 ? -y : 0),
  curvature: () => 0,
};

export const LOSSES: Record<string, Loss> = Object.fromEntries(
  [mse, squaredError, huber, logLoss, hinge].map((loss) => [loss.name, loss]),
);
