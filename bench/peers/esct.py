"""An epoch of ESC-T on cached features in PyTorch: from a mask of ones, a step for every batch, then the count of hits."""
import numpy as np
import torch

import protocol


def variants():
    """low rank: the mathematics of this engine, dL/dA = Q (W A) + Wᵀ (Qᵀ A) with Q of rank `classes`, in buffers that are kept.
    low rank, transposed: the same with Uᵀ and Mᵀ in memory, so that the other products run along memory.
    dense: features through A Aᵀ, as the definition reads, with the gradient by hand. autograd: the same by autograd."""
    return ["low rank", "low rank, transposed", "dense", "autograd"]


class Problem:
    def __init__(self, r):
        d = r["d"]
        self.z, self.u, self.w = (torch.from_numpy(protocol.blob(name, np.float32, (-1, d)).copy()) for name in ("features", "basis", "weight"))
        self.y, self.order = (torch.from_numpy(protocol.blob(name, np.int32, -1).astype(np.int64)) for name in ("labels", "order"))
        self.batch, self.rate = r["batch"], r["rate"]

    def batches(self):
        for rows in self.order.split(self.batch):
            yield self.z[rows], self.y[rows]

    def slopes(self, logits, y):
        """The gradient of -CE of the rows predicted right, in the mean over them; None without one."""
        hit = logits.argmax(1) == y
        count = int(hit.sum())
        if count == 0:
            return None
        p = torch.softmax(logits, 1)
        p[torch.arange(len(y)), y] -= 1
        return p.mul_((hit * (-1.0 / count))[:, None])

    def hits(self, head):
        return int(((self.z @ head.T).argmax(1) == self.y).sum())


@torch.inference_mode()
def low_rank(p, transposed):
    u = p.u.T.contiguous() if transposed else p.u
    mask, a, gradient = torch.ones_like(u), torch.empty_like(u), torch.empty_like(u)
    c, d = p.w.shape
    high = torch.empty(2 * c, d)
    high[c:] = p.w
    wide = torch.empty(2 * c, d)
    head = torch.empty(c, d)
    # A, whichever way it lies.
    straight = a.T if transposed else a

    def form():
        torch.mul(u, mask, out=a)
        torch.mm(p.w, straight, out=wide[:c])
        return torch.mm(wide[:c], straight.T, out=head)

    for z, y in p.batches():
        slopes = p.slopes(z @ form().T, y)
        if slopes is None:
            continue
        torch.mm(slopes.T, z, out=high[:c])
        torch.mm(high[:c], straight, out=wide[c:])
        torch.mm(*((wide.T, high) if transposed else (high.T, wide)), out=gradient)
        mask.sub_(gradient.mul_(u), alpha=p.rate).clamp_(0, 1)
    p.hits(form())
    return mask.T if transposed else mask


@torch.inference_mode()
def dense(p):
    mask = torch.ones_like(p.u)
    for z, y in p.batches():
        a = p.u * mask
        coordinates = z @ a
        slopes = p.slopes((coordinates @ a.T) @ p.w.T, y)
        if slopes is None:
            continue
        back = slopes @ p.w
        gradient = back.T @ coordinates
        gradient.addmm_(z.T, back @ a)
        mask.sub_(gradient.mul_(p.u), alpha=p.rate).clamp_(0, 1)
    a = p.u * mask
    p.hits((p.w @ a) @ a.T)
    return mask


def autograd(p):
    mask = torch.ones_like(p.u, requires_grad=True)
    for z, y in p.batches():
        a = p.u * mask
        logits = (z @ a @ a.T) @ p.w.T
        hit = logits.argmax(1) == y
        if not hit.any():
            continue
        (gradient,) = torch.autograd.grad(-torch.nn.functional.cross_entropy(logits[hit], y[hit]), mask)
        with torch.no_grad():
            mask.sub_(gradient, alpha=p.rate).clamp_(0, 1)
    with torch.no_grad():
        a = p.u * mask
        p.hits((p.w @ a) @ a.T)
    return mask.detach()


def request(r):
    """The output is the mask, [d, d]."""
    problem = Problem(r)
    run = {
        "low rank": lambda: low_rank(problem, transposed=False),
        "low rank, transposed": lambda: low_rank(problem, transposed=True),
        "dense": lambda: dense(problem),
        "autograd": lambda: autograd(problem),
    }[r["variant"]]
    result = {}

    def once():
        result["mask"] = run()

    timing = protocol.measure(once, r["seconds"], least=1)
    return {**timing, "output": protocol.encode(result["mask"].numpy())}
