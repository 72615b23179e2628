"""SmolVLA's configuration, as LeRobot writes it to config.json ("type": "smolvla").

The field set is that of LeRobot 0.4.0, which every later release reads: later fields are left out when writing. What does
not belong here: the architecture of the vision-language model, which has a configuration of its own (`policy.vlm`), and
how to train (recipes are training's; the optimiser fields are only carried along for LeRobot).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from data_contracts.errors import PolicyError, did_you_mean

ACTION = "action"
STATE = "observation.state"
IMAGES = "observation.images"
PUBLISHED_VLM = "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"
BUNDLED_VLM = "vlm"
"""`vlm_model_name` of a checkpoint that carries its own vision-language configuration: a folder beside config.json."""

LATER_FIELDS = frozenset({"rtc_config", "compile_model", "compile_mode", "use_peft", "pretrained_revision"})
"""Written by LeRobot after 0.4.0. None of them changes what the weights compute, save `use_peft`."""

_ONLY = {
    "n_obs_steps": 1,
    "adapt_to_pi_aloha": False,
    "use_delta_joint_actions_aloha": False,
    "add_image_special_tokens": False,
    "use_cache": True,
}
"""Fields of which one value is supported: no published SmolVLA uses another."""


@dataclass(frozen=True)
class Feature:
    """One input or output: `type` is STATE, VISUAL or ACTION; `shape` is (dimensions,), or (3, height, width)."""

    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class SmolVLAConfig:
    """LeRobot's SmolVLAConfig with its defaults; the order of `input_features` is the order of the camera slots.

    Raises:
        PolicyError: values that contradict each other, or that this implementation does not compute.
    """

    input_features: dict[str, Feature] = field(default_factory=dict)
    output_features: dict[str, Feature] = field(default_factory=dict)
    n_obs_steps: int = 1
    chunk_size: int = 50
    n_action_steps: int = 50
    normalization_mapping: dict[str, str] = field(
        default_factory=lambda: {"VISUAL": "IDENTITY", "STATE": "MEAN_STD", "ACTION": "MEAN_STD"}
    )
    max_state_dim: int = 32
    max_action_dim: int = 32
    resize_imgs_with_padding: tuple[int, int] | None = (512, 512)  # (width, height)
    empty_cameras: int = 0
    adapt_to_pi_aloha: bool = False
    use_delta_joint_actions_aloha: bool = False
    tokenizer_max_length: int = 48
    num_steps: int = 10
    use_cache: bool = True
    freeze_vision_encoder: bool = True
    train_expert_only: bool = True
    train_state_proj: bool = True
    optimizer_lr: float = 1e-4
    optimizer_betas: tuple[float, float] = (0.9, 0.95)
    optimizer_eps: float = 1e-8
    optimizer_weight_decay: float = 1e-10
    optimizer_grad_clip_norm: float = 10.0
    scheduler_warmup_steps: int = 1_000
    scheduler_decay_steps: int = 30_000
    scheduler_decay_lr: float = 2.5e-6
    vlm_model_name: str = PUBLISHED_VLM
    load_vlm_weights: bool = False
    add_image_special_tokens: bool = False
    attention_mode: str = "cross_attn"
    prefix_length: int = -1
    pad_language_to: str = "longest"
    num_expert_layers: int = -1
    num_vlm_layers: int = 16
    self_attn_every_n_layers: int = 2
    expert_width_multiplier: float = 0.75
    min_period: float = 4e-3
    max_period: float = 4.0
    device: str | None = "cpu"
    use_amp: bool = False
    push_to_hub: bool = False
    repo_id: str | None = None
    private: bool | None = None
    tags: list[str] | None = None
    license: str | None = None
    pretrained_path: str | None = None

    def __post_init__(self) -> None:
        for name, value in _ONLY.items():
            if getattr(self, name) != value:
                raise PolicyError(f"config.json: {name}={getattr(self, name)!r} is not supported, only {value!r} is.")
        if not 1 <= self.n_action_steps <= self.chunk_size:
            raise PolicyError(
                f"config.json: n_action_steps is {self.n_action_steps}, and a chunk has {self.chunk_size} actions.",
                hint="Execute between 1 and chunk_size actions of a chunk.",
            )
        if self.attention_mode not in ("cross_attn", "self_attn"):
            raise PolicyError(f"config.json: unknown attention_mode {self.attention_mode!r}.", hint="Use 'cross_attn'.")
        if self.num_expert_layers > 0 and self.num_expert_layers != self.num_vlm_layers:
            raise PolicyError(
                f"config.json: {self.num_expert_layers} expert layers for {self.num_vlm_layers} VLM layers.",
                hint="Use as many (num_expert_layers -1): LeRobot's own thinner experts do not run with cross-attention.",
            )
        self._check_features()

    def _check_features(self) -> None:
        if self.output_features and tuple(self.output_features) != (ACTION,):
            raise PolicyError(
                f"config.json: output_features are {sorted(self.output_features)}, expected 'action' only."
            )
        for key, size in ((STATE, self.max_state_dim), (ACTION, self.max_action_dim)):
            feature = (self.input_features | self.output_features).get(key)
            if feature is not None and (len(feature.shape) != 1 or feature.shape[0] > size):
                raise PolicyError(
                    f"config.json: {key} has shape {feature.shape}, the model takes one of at most {size}."
                )

    @property
    def camera_keys(self) -> tuple[str, ...]:
        """Camera slots in order, empty ones (`empty_cameras`) last."""
        present = [key for key, feature in self.input_features.items() if feature.type == "VISUAL"]
        empty = [f"{IMAGES}.empty_camera_{i}" for i in range(self.empty_cameras)]
        return tuple(present + [key for key in empty if key not in present])

    @property
    def state_dim(self) -> int:
        return _dimension(self.input_features, STATE)

    @property
    def action_dim(self) -> int:
        return _dimension(self.output_features, ACTION)

    def is_self_attention(self, layer: int) -> bool:
        """Returns whether the expert's `layer` attends jointly with its own tokens, instead of only to the VLM's."""
        every = self.self_attn_every_n_layers
        return self.attention_mode == "self_attn" or (every > 0 and layer % every == 0)

    def to_json(self) -> dict[str, Any]:
        """Returns what config.json holds: plain JSON types, "type" first."""
        return {"type": "smolvla"} | json.loads(json.dumps(asdict(self)))

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> SmolVLAConfig:
        """Returns the configuration of a config.json; fields that are absent take their default.

        Raises:
            PolicyError: another policy's file, or an unknown field, which is named.
        """
        values = dict(document)
        if (kind := values.pop("type", None)) != "smolvla":
            raise PolicyError(f"config.json is of type {kind!r}, not 'smolvla'.", hint="Only SmolVLA is read here.")
        if values.pop("use_peft", False):
            raise PolicyError(
                "config.json says use_peft: the file holds adapters.", hint="Merge them into the weights."
            )
        for name in LATER_FIELDS:
            values.pop(name, None)
        known = {item.name for item in fields(SmolVLAConfig)}
        if unknown := sorted(set(values) - known):
            raise PolicyError(
                f"config.json has unknown fields: {', '.join(unknown)}.", hint=did_you_mean(unknown[0], known)
            )
        for name in ("input_features", "output_features"):
            values[name] = _features(values.get(name) or {})
        for name in ("resize_imgs_with_padding", "optimizer_betas"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        return SmolVLAConfig(**values)


def base_450m(
    cameras: Mapping[str, tuple[int, int, int]] | None = None, state_dim: int = 6, action_dim: int = 6, **changes: Any
) -> SmolVLAConfig:
    """Returns the configuration of the published base: 450,046,176 parameters, three cameras unless told otherwise.

    Args:
        cameras: shape (3, height, width) by key, in slot order.
        changes: other fields.
    """
    shapes = cameras or {f"{IMAGES}.camera{i}": (3, 256, 256) for i in (1, 2, 3)}
    published = {"prefix_length": 0, "pad_language_to": "max_length", "num_expert_layers": 0, "load_vlm_weights": True}
    return SmolVLAConfig(**_inputs_and_output(shapes, state_dim, action_dim), **(published | changes))


def small(
    cameras: Mapping[str, tuple[int, int, int]], state_dim: int, action_dim: int, **changes: Any
) -> SmolVLAConfig:
    """Returns a configuration that learns from scratch on a CPU: about 1.5 M parameters with `policy.vlm.small_vlm_config`.

    Images are letterboxed to 64x64 and become 16 tokens each; chunks of 16 actions. Everything is trained save the vision
    tower, whose random features serve well enough and can be cached (`freeze_vision_encoder=False` trains it too).
    """
    sizes = {
        "chunk_size": 16, "n_action_steps": 8, "resize_imgs_with_padding": (64, 64), "num_vlm_layers": 4,
        "train_expert_only": False, "freeze_vision_encoder": True, "vlm_model_name": BUNDLED_VLM,
        "optimizer_lr": 1e-3, "optimizer_weight_decay": 0.01, "optimizer_grad_clip_norm": 1.0,
    }  # fmt: skip
    return SmolVLAConfig(**_inputs_and_output(cameras, state_dim, action_dim), **(sizes | changes))


def _inputs_and_output(cameras: Mapping[str, Sequence[int]], state_dim: int, action_dim: int) -> dict[str, Any]:
    visual = {key: Feature("VISUAL", tuple(shape)) for key, shape in cameras.items()}
    return {
        "input_features": {STATE: Feature("STATE", (state_dim,))} | visual,
        "output_features": {ACTION: Feature("ACTION", (action_dim,))},
    }


def _features(document: Mapping[str, Any]) -> dict[str, Feature]:
    return {key: Feature(str(value["type"]), tuple(value["shape"])) for key, value in document.items()}


def _dimension(features: Mapping[str, Feature], key: str) -> int:
    if key not in features:
        raise PolicyError(f"config.json names no {key!r}.", hint=f"Known: {', '.join(features) or 'none'}.")
    return features[key].shape[0]
