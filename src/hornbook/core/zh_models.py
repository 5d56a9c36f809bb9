"""Chinese sentences of the networks."""

MESSAGES: dict[str, str] = {
    "model.width {width} is not a multiple of model.heads {heads}": "model.width {width} 不是 model.heads {heads} 的倍数",
    "model.context must be at least 2, not {context}": "model.context 至少为 2，不能是 {context}",
    "model.width {width} / model.heads {heads} must be even for rotary positions": "使用旋转位置时 model.width {width} / model.heads {heads} 必须是偶数",
    "{path}: unknown key '{key}'.{hint}": "{path}：没有“{key}”这个键。{hint}",
    "{path}: {key} = {value} is not supported": "{path}：不支持 {key} = {value}",
    "{path}: {key} = {value} is not a size": "{path}：{key} = {value} 不是一个大小",
    "{path}: the configuration ties lm_head.weight to the embedding, but they differ": "{path}：配置要求 lm_head.weight 与词嵌入相同，但两者不同",
    "{path}: model_type '{kind}' is not of this kind.{hint}": "{path}：model_type“{kind}”不是这一类模型。{hint}",
    "{path} describes {expected} weights, but the weight files have {held} bytes: they do not belong together": (
        "{path} 描述了 {expected} 个权重，而权重文件有 {held} 字节：它们不是一套"
    ),
    "{path}: tensor '{key}' is missing ({present} of {total} are there).{hint}": "{path}：缺少张量“{key}”（{total} 个中有 {present} 个）。{hint}",
    "{path}: unknown tensor '{key}'.{hint}": "{path}：多出张量“{key}”。{hint}",
    "{path} is missing: a model folder holds its weights there": "缺少 {path}：模型目录的权重应在那里",
    "{path}: tensor '{key}' has shape {found}, the configuration asks for {expected}": "{path}：张量“{key}”的形状是 {found}，配置要求 {expected}",
    "{path}: tensor '{key}' holds values that are not finite numbers": "{path}：张量“{key}”含有非有限数",
}
